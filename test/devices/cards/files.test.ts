import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createCard, loadCard } from '../../../devices/cards/load.ts';
import { matches } from '../../../devices/cards/replay.ts';
import { cardFile } from '../../../devices/cards/schema.ts';
import { fromHex, toHex } from '../../../src/platform/bytes.ts';
import { parseConfig } from '../../../src/platform/config.ts';
import { isPossumError } from '../../../src/platform/errors.ts';
import { seededRandom } from '../../../src/platform/random.ts';
import { cardPath } from './hand.ts';

const FIXTURES = new URL('../../../emv-fixtures/', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'possum-cards-'));
afterAll(() => rmSync(folder, { recursive: true }));

const services = () => ({ random: seededRandom('files') });

function load(text: string) {
  const path = join(folder, 'card.yaml');
  writeFileSync(path, text);
  return loadCard(path);
}

function complaint(text: string): string {
  try {
    createCard(load(text), services());
  } catch (error) {
    if (isPossumError(error, 'CONFIG')) return error.describe();
    throw error;
  }
  throw new Error('accepted');
}

describe('shipped cards', () => {
  const names = readdirSync(join(FIXTURES, 'cards'))
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => name.slice(0, -5));

  it.each(names)('%s loads, and says what it is for', (name) => {
    const file = loadCard(cardPath(name));
    expect(file.description).toBeTruthy();
    expect(file.proves).toBeTruthy();
    expect(file.scheme).toBeTruthy();
    const card = createCard(file, services());
    expect(card.contact ?? card.contactless ?? card.tracks).toBeDefined();
  });

  it('have service codes on their stripes', () => {
    expect(createCard(loadCard(cardPath('chip-stripe')), services()).tracks?.track2).toMatch(/=3012201/);
    expect(createCard(loadCard(cardPath('stripe-only')), services()).tracks?.track2).toMatch(/=3012101/);
  });
});

describe('replay cards', () => {
  const recording = `
kind: replay
interface: contact
atr: 3B00
exchanges:
  - { command: 00A40400**, response: 6F00 9000 }
  - { command: 80CA9F1700, response: 6A88, optional: true }
  - { command: 80CA9F3600, response: 9F36020001 9000, optional: true }
  - { command: 80AE??00**, response: 6985 }
  - { command: 0084000000, response: 9000, any: true }
  - { command: 00**, response: '00', any: true }
`;
  const play = (text: string, ...commands: string[]) => {
    const card = createCard(load(text), services());
    card.contact?.reset();
    return commands.map((command) => toHex(card.contact?.respond(fromHex(command)) as Uint8Array));
  };

  it.each([
    [
      'in order',
      ['00A4040001A0', '80CA9F1700', '80CA9F3600', '80AE8000021122'],
      ['6F009000', '6A88', '9F360200019000', '6985'],
    ],
    [
      'passing over optional ones',
      ['00a4040001A0', '80CA9F3600', '80AE4000'],
      ['6F009000', '9F360200019000', '6985'],
    ],
    ['passing over all optional ones', ['00A4040001A0', '80AE0000'], ['6F009000', '6985']],
    ['never back', ['00A4040001A0', '80CA9F3600', '80CA9F1700'], ['6F009000', '9F360200019000', '6D00']],
    ['never over a needed one', ['80AE8000', '00A4040001A0'], ['6D00', '6F009000']],
    [
      'outside the order',
      ['0084000000', '00A4040001A0', '0084000000', '0020008000'],
      ['9000', '6F009000', '9000', '00'],
    ],
    [
      'to the end',
      ['00A4040001A0', '80AE0000', '80AE0000', '00A4040001A0'],
      ['6F009000', '6985', '6D00', '00'],
    ],
  ])('answer %s', (_, commands, answers) => {
    expect(play(recording, ...commands)).toEqual(answers);
  });

  it('start anew when they are powered again', () => {
    const card = createCard(load(recording), services());
    for (let i = 0; i < 2; i++) {
      card.contact?.reset();
      expect(toHex(card.contact?.respond(fromHex('00A4040001A0')) as Uint8Array)).toBe('6F009000');
    }
  });

  it('give no answer with "fail", and any bytes as unmatched', () => {
    const base = 'kind: replay\ninterface: contactless\nats: 0578807002\nexchanges: []\n';
    const answer = (unmatched: string) => {
      const { contactless } = createCard(load(base + unmatched), services());
      expect(toHex(contactless?.answerToReset as Uint8Array)).toBe('0578807002');
      return toHex(contactless?.respond(fromHex('00A40400')) as Uint8Array);
    };
    expect(answer('unmatched: fail\n')).toBe('');
    expect(answer('unmatched: 6E00\n')).toBe('6E00');
    expect(answer('unmatched: 6985\n')).toBe('6985');
    expect(answer("unmatched: ''\n")).toBe('');
    expect(answer('')).toBe('6D00');
  });

  it.each([
    ['00A4', '00A4', true],
    ['00??', '00FF', true],
    ['00??', '00', false],
    ['00**', '00', true],
    ['00**', '0011223344', true],
    ['00??**', '00', false],
    ['**', '', true],
    ['00A4', '00A400', false],
  ])('%s against %s: %s', (pattern, command, fits) => {
    expect(matches(pattern, command)).toBe(fits);
  });
});

describe('broken card files', () => {
  const replay = 'kind: replay\ninterface: contact\n';
  it.each([
    ['an unknown kind', 'kind: chip\n', /card\.yaml:1:\d+: kind/],
    ['an unknown key', `${replay}exchanges: []\nunmached: 6D00\n`, /card\.yaml:4:1.*unknown key "unmached"/],
    [
      'a wrong pattern',
      `${replay}exchanges:\n  - { command: 00A4*, response: 9000 }\n`,
      /exchanges\.0\.command/,
    ],
    ['half a byte', `${replay}exchanges:\n  - { command: 00A4, response: 900 }\n`, /exchanges\.0\.response/],
    ['two answers to reset', `${replay}atr: 3B00\nats: '0100'\nexchanges: []\n`, /atr/],
    ['no tracks', 'kind: magstripe\nstripe: {}\n', /stripe.*track/],
    ['an answer that is none', `${replay}exchanges: []\nunmatched: never\n`, /unmatched: .*hex/],
    ['no YAML', 'kind: [\n', /YAML/],
  ])('%s: the error names the place', (_, text, message) => {
    expect(complaint(text)).toMatch(message);
  });

  const icc = readFileSync(cardPath('visa-credit'), 'utf8').replace(
    'keyFile: keys/issuer-keys.yaml',
    `keyFile: ${join(FIXTURES, 'cards/keys/issuer-keys.yaml')}`,
  );
  it.each([
    ['a wrong PAN', /pan: '\d+'/, "pan: '4761739001010011'", /pan: .*Luhn/],
    ['an unknown key set', /keySet: visa/, 'keySet: nobody', /nobody/],
    ['a broken CDOL', /8C: .*/, '8C: 9F02', /CDOL1/],
    ['no CDOL', / {12}8C: .*\n/, '', /CDOL1/],
    ['no tag', /5F34:/, 'XX:', /XX/],
    ['DDA without a key', /rsa:\n(.*\n){3}/, '', /rsa/],
    ['one prime twice', /primeQ: .*/, 'primeQ: 0B', /rsa: /],
    ['a prime that is none', /primeP: (.*)../, 'primeP: $106', /rsa: /],
    ['an even exponent', /exponent: '03'/, "exponent: '04'", /rsa: /],
    ['a missing key file', /keyFile: .*/, 'keyFile: nowhere.yaml', /cannot be read/],
  ])('%s: the error says so', (_, part, replacement, message) => {
    expect(icc).toMatch(part);
    expect(complaint(icc.replace(part, replacement))).toMatch(message);
  });

  it('take any text', () => {
    const random = seededRandom('yaml');
    const text = `${icc}`;
    for (let i = 0; i < 300; i++) {
      const at = random.below(text.length);
      const broken =
        text.slice(0, at) + String.fromCharCode(random.below(128)) + text.slice(at + random.below(30));
      try {
        parseConfig(broken, 'card.yaml', cardFile);
      } catch (error) {
        expect(isPossumError(error, 'CONFIG')).toBe(true);
      }
    }
  });
});
