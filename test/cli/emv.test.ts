import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import type { EmvDocument } from '../../src/emv/document.ts';
import { PHASES } from '../../src/emv/transaction.ts';
import { fixturePath } from '../../src/platform/fixtures.ts';
import { temporaryFolder } from '../support/folder.ts';
import { possum } from './in-process.ts';

const REPEATABLE = ['--seed', '1', '--un', '01020304', '--date', '2026-11-21'];

async function emv(card: string, amount: string, ...options: string[]): Promise<EmvDocument> {
  const said = await possum('emv', '--card', card, '--amount', amount, ...REPEATABLE, '--json', ...options);
  expect(said.stderr).toBe('');
  expect(said.code).toBe(0);
  return JSON.parse(said.stdout) as EmvDocument;
}

function file(name: string, text: string): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, text);
  return path;
}

const CARDS = readdirSync(fixturePath('cards'))
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => name.slice(0, -'.yaml'.length));

describe('the document of possum emv', () => {
  const schema = z.fromJSONSchema(JSON.parse(readFileSync(fixturePath('document.schema.json'), 'utf8')));

  it.each(CARDS)('of %s follows its JSON Schema, whatever the host answers', async (card) => {
    for (const host of ['approve', 'decline', 'refer', 'unable']) {
      const document = await emv(card, '60.00', '--pin', '1234', '--host', host);
      expect(schema.safeParse(document).error).toBeUndefined();
    }
  });

  it('has every part that the outcome rests on', async () => {
    const document = await emv('visa-credit', '10.00', '--pin', '1234');
    expect(Object.keys(document)).toEqual([
      'outcome',
      'candidates',
      'aid',
      'tvr',
      'tsi',
      'cvmResults',
      'cid',
      'objects',
      'decisions',
      'apdus',
    ]);
    expect(document).toMatchObject({
      outcome: { code: 'APPROVED_ONLINE', reason: 'approved by the issuer (00)' },
      candidates: [{ aid: 'A0000000031010', label: 'VISA CREDIT', priority: 1 }],
      aid: 'A0000000031010',
      tvr: '0000040000',
      tsi: 'E800',
      cvmResults: '420300',
      cid: '40',
      objects: { '9F02': '000000001000', '9A': '261121', '9F21': '120000', '9C': '00' },
    });
    expect(document.apdus[0]).toEqual({
      command: '00A404000E315041592E5359532E444446303100',
      response: expect.stringMatching(/^6F.*9000$/),
    });
    for (const { phase, rule, reason, spec } of document.decisions) {
      expect([phase, rule, reason, spec]).not.toContain('');
      expect(spec).toMatch(/^EMV .*\d/);
    }
  });

  it('is the same to the byte for the same seed, number and date', async () => {
    const play = () => possum('emv', '--card', 'visa-credit', '--amount', '10.00', '--json', ...REPEATABLE);
    expect(await play()).toEqual(await play());
  });

  it('differs in its random numbers without a seed', async () => {
    const play = async () => {
      const said = await possum('emv', '--card', 'visa-credit', '--amount', '10.00', '--json');
      return (JSON.parse(said.stdout) as EmvDocument).objects['9F37'];
    };
    expect(await play()).not.toBe(await play());
  });
});

describe('--until', () => {
  it.each(PHASES)('%s stops with the document so far', async (phase) => {
    const document = await emv('visa-credit', '60.00', '--pin', '1234', '--until', phase);
    expect(document.outcome.code).toBe('STOPPED');
    expect(document.outcome.reason).toContain(`stopped after ${phase}`);
    const seen = document.decisions.map((decision) => decision.phase);
    expect(seen).toContain(phase);
    const later = PHASES.slice(PHASES.indexOf(phase) + 1);
    expect(seen.filter((name) => later.some((other) => other === name))).toEqual([]);
  });

  it.each(['selection', 'gpo', 'read', 'oda', 'cvm', 'taa', 'gac1'] as const)(
    '%s stops a contactless card, before the host is asked',
    async (phase) => {
      const document = await emv('visa-contactless', '60.00', '--until', phase);
      expect(document.outcome).toEqual({ code: 'STOPPED', reason: `stopped after ${phase}` });
    },
  );

  it('tells what the last phase came to', async () => {
    const document = await emv('visa-credit', '60.00', '--pin', '1234', '--until', 'gac2');
    expect(document.outcome.reason).toBe('stopped after gac2: APPROVED_ONLINE, approved by the issuer (00)');
    expect(document.cid).toBe('40');
  });

  it('of a phase that is never reached changes nothing', async () => {
    const document = await emv('sda', '10.00', '--until', 'online');
    expect(document.outcome).toEqual({ code: 'APPROVED_OFFLINE', reason: 'the card approved offline' });
  });
});

describe('the options of possum emv', () => {
  it.each([
    ['approve', 'APPROVED_ONLINE', '00'],
    ['decline', 'DECLINED_ONLINE', '05'],
    ['refer', 'REFERRED', '01'],
    ['unable', 'DECLINED_OFFLINE', 'Z3'],
  ])('--host %s', async (host, code, arc) => {
    const document = await emv('visa-credit', '60.00', '--pin', '1234', '--host', host);
    expect(document.outcome.code).toBe(code);
    expect(Buffer.from(document.objects['8A'] ?? '', 'hex').toString()).toBe(arc);
  });

  it('--host FILE gives response code, issuer data and scripts', async () => {
    const host = file(
      'host.yaml',
      `arc: '51'\ntags: { '91': '0102030405060708', '72': 9F1804000000018609841E000004AABBCCDD }\n`,
    );
    const document = await emv('visa-credit', '60.00', '--pin', '1234', '--host', host);
    expect(document.outcome.code).toBe('DECLINED_ONLINE');
    expect(document.objects).toMatchObject({ '8A': '3531', '91': '0102030405060708' });
    expect(document.apdus.map(({ command }) => command)).toContain('841E000004AABBCCDD');
  });

  it('--other and --type', async () => {
    const document = await emv('visa-credit', '60.00', '--pin', '1234', '--other', '20.00', '--type', '09');
    expect(document.objects).toMatchObject({ '9F03': '000000002000', '9C': '09' });
  });

  it('--time', async () => {
    expect((await emv('sda', '10.00', '--time', '23:59:58')).objects['9F21']).toBe('235958');
  });

  it('--un is the first unpredictable number', async () => {
    expect((await emv('sda', '10.00', '--un', 'a1b2c3d4')).objects['9F37']).toBe('A1B2C3D4');
  });

  it('--pin goes to the card that checks it', async () => {
    const right = await emv('debit-offline-pin', '10.00', '--pin', '1234', '--until', 'cvm');
    expect(right.cvmResults).toBe('410302');
    const wrong = await emv('debit-offline-pin', '10.00', '--pin', '9999', '--until', 'cvm');
    expect(wrong.tvr).not.toBe(right.tvr);
    expect(JSON.stringify(right.apdus)).not.toContain('241234');
  });

  it.each([
    ['1', 0],
    ['2', 1],
  ])('--choose %s takes the application of that number', async (choice, index) => {
    const document = await emv('two-applications', '10.00', '--choose', choice, '--until', 'selection');
    expect(document.candidates.length).toBe(2);
    expect(document.aid).toBe(document.candidates[index]?.aid);
  });

  it('--choose AID takes that application, in either case of letters', async () => {
    const { candidates } = await emv('two-applications', '10.00', '--until', 'selection');
    const aid = candidates[1]?.aid as string;
    const chosen = await emv('two-applications', '10.00', '--choose', aid.toLowerCase(), '--until', 'gpo');
    expect(chosen.aid).toBe(aid);
  });

  it('--choose of what the card does not have cancels', async () => {
    expect((await emv('two-applications', '10.00', '--choose', '7')).outcome.code).toBe('CANCELLED');
  });

  it('--log counts earlier amounts of the same card against the floor limit', async () => {
    const log = file('log.yaml', '[20.00, 25, 5.01]\n');
    const without = await emv('sda', '1.00', '--until', 'risk');
    const withLog = await emv('sda', '1.00', '--log', log, '--until', 'risk');
    expect([without.tvr.slice(6, 8), withLog.tvr.slice(6, 8)]).toEqual(['00', '80']);
  });

  it('--interface takes the other side of a card', async () => {
    const said = await emv('visa-credit', '10.00', '--interface', 'contactless');
    expect(said.outcome.code).toBe('TRY_ANOTHER_INTERFACE');
  });

  it('--terminal needs no merchant and no keys', async () => {
    const terminal = file(
      'terminal.yaml',
      `data: { 9F1A: '0840', 5F2A: '0840', 5F36: '02', 9F35: '22', 9F33: E0F8C8, 9F40: F000F0A001 }
aids: [{ aid: A0000000041010, match: partial, version: '0002', floorLimit: 0 }]
`,
    );
    const document = await emv('sda', '10.00', '--terminal', terminal);
    expect(document.objects['9F35']).toBe('22');
    expect(document.decisions.some(({ rule }) => rule.includes('floor limit'))).toBe(true);
  });

  it.each([
    ['--amount', 'ten', '"ten" is not an amount'],
    ['--amount', '-1.00', 'is not an amount'],
    ['--amount', '1.234', 'Write it as 10.00.'],
    ['--other', '1,00', 'is not an amount'],
    ['--type', '000', '1 byte in hex'],
    ['--un', '0102', '4 bytes in hex'],
    ['--un', '0102030G', '4 bytes in hex'],
    ['--date', '2026-13-01', 'YYYY-MM-DD'],
    ['--date', '21.11.2026', 'YYYY-MM-DD'],
    ['--time', '24:00:00', 'hh:mm:ss'],
    ['--pin', '123', '4 to 12 digits'],
    ['--pin', '12345678901234', '4 to 12 digits'],
    ['--choose', 'visa', 'an AID of 5 to 16 bytes in hex, or a number'],
    ['--host', 'aprove', 'Did you mean "approve"?'],
    ['--host', './nowhere.yaml', 'nowhere.yaml: cannot be read'],
    ['--until', 'lunch', 'selection, gpo, read'],
    ['--seed', 'x', 'a whole number'],
    ['--interface', 'air', 'contact, contactless'],
    ['--card', 'visa-credt', 'Did you mean "visa-credit"?'],
    ['--terminal', './nowhere.yaml', 'nowhere.yaml: cannot be read'],
    ['--log', './nowhere.yaml', 'nowhere.yaml: cannot be read'],
    ['--colour', 'red', "unknown option '--colour'"],
  ])('%s %s exits 2 and says what is wanted', async (option, value, says) => {
    const said = await possum('emv', '--card', 'sda', '--amount', '1.00', option, value);
    expect(said.stdout).toBe('');
    expect(said.stderr).toContain(says);
    expect(said.stderr.split('\n').length).toBeLessThanOrEqual(3);
    expect(said.code).toBe(2);
  });

  it('a host file with a misspelt key exits 2 with line and hint', async () => {
    const host = file('host.yaml', "arc: '00'\ntgas: {}\n");
    const said = await possum('emv', '--card', 'sda', '--amount', '1.00', '--host', host);
    expect(said.stderr).toBe(`possum: ${host}:2:1: tgas: unknown key "tgas". Did you mean "tags"?\n`);
    expect(said.code).toBe(2);
  });

  it('a log with a word in it exits 2 with its line', async () => {
    const log = file('log.yaml', '- 1.00\n- lots\n');
    const said = await possum('emv', '--card', 'sda', '--amount', '1.00', '--log', log);
    expect(said.stderr).toContain(`${log}:2:3: 1: must be an amount`);
    expect(said.code).toBe(2);
  });

  it('a card that cannot keep its promises exits 2 with its file', async () => {
    const card = file(
      'card.yaml',
      readFileSync(fixturePath('cards', 'sda.yaml'), 'utf8')
        .replace(/ +8C: .*\n/, '')
        .replace('keyFile: keys', `keyFile: ${fixturePath('cards', 'keys')}`),
    );
    const said = await possum('emv', '--card', card, '--amount', '1.00');
    expect(said.stderr).toBe(`possum: ${card}: A0000000041010: no record holds a CDOL1 (8C).\n`);
    expect(said.code).toBe(2);
  });

  it('a clear PIN is shown nowhere', async () => {
    const said = await possum(
      'emv',
      '--card',
      'debit-offline-pin',
      '--amount',
      '1.00',
      '--pin',
      '73946',
      '--json',
    );
    expect(said.stdout + said.stderr).not.toContain('73946');
  });
});

describe('the story of possum emv', () => {
  it('tells phases in order, every decision with its section, and the outcome last', async () => {
    const { code, stdout, stderr } = await possum(
      'emv',
      '--card',
      'mastercard-cda',
      '--amount',
      '60.00',
      '--pin',
      '1234',
      ...REPEATABLE,
    );
    expect([code, stderr]).toEqual([0, '']);
    const lines = stdout.trimEnd().split('\n');
    const phases = lines.filter((line) => (PHASES as readonly string[]).includes(line));
    expect(phases).toEqual(PHASES.filter((phase) => phases.includes(phase)));
    expect(phases.length).toBeGreaterThanOrEqual(10);
    expect(lines.filter((line) => /^ {2}\S.*: .* {2}\[EMV .*\]$/.test(line)).length).toBeGreaterThan(15);
    expect(stdout).toContain('Candidate 1  A0000000041010');
    expect(stdout).toMatch(/\nTVR {10}[0-9A-F]{10}\n/);
    expect(lines.at(-1)).toMatch(/^APPROVED_ONLINE: /);
  });

  it.each(CARDS)('of %s ends with its outcome', async (card) => {
    const { code, stdout } = await possum('emv', '--card', card, '--amount', '60.00', '--pin', '1234');
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/^[A-Z_]+: \S/);
  });
});
