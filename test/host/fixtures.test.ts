import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { hostFileSchema, loadHost } from '../../src/host/config.ts';
import { parseConfig } from '../../src/platform/config.ts';

const CARDS = 'emv-fixtures/cards';

interface CardFile {
  readonly kind: string;
  readonly pan?: string;
  readonly psn?: string;
  readonly issuer?: { readonly keySet?: string; readonly pin?: string };
  readonly stripe?: { readonly track2?: string };
  readonly contact?: { readonly applications: readonly { readonly cryptogram: string }[] };
  readonly contactless?: { readonly applications: readonly { readonly cryptogram: string }[] };
}

describe('the host of the demo', () => {
  const host = loadHost('emv-fixtures/hosts/demo.yaml');
  const files = readdirSync(CARDS).filter((name) => name.endsWith('.yaml'));

  it.each(files)('knows the card of %s', (name) => {
    const file = parse(readFileSync(`${CARDS}/${name}`, 'utf8')) as CardFile;
    if (file.kind === 'replay') return;
    const track2 = file.stripe?.track2;
    const pan = file.pan ?? track2?.split('=')[0];
    const card = host.cards.find((candidate) => candidate.pan === pan);
    expect(card).toBeDefined();
    expect(card?.psn).toBe(file.psn ?? '00');
    expect(card?.keys).toBe(file.issuer?.keySet);
    expect(card?.track2).toBe(track2);
    const applications = [...(file.contact?.applications ?? []), ...(file.contactless?.applications ?? [])];
    for (const { cryptogram } of applications) expect(card?.cryptogram).toBe(cryptogram);
    if (file.issuer?.pin !== undefined) expect(card?.pin).toBe(file.issuer.pin);
  });

  it('holds the issuer keys of the cards', () => {
    const { sets } = parse(readFileSync(`${CARDS}/keys/issuer-keys.yaml`, 'utf8')) as {
      sets: Record<string, Record<string, string>>;
    };
    for (const [name, keys] of Object.entries(sets)) {
      const known = host.issuerKeys[name];
      expect(
        Buffer.from(known?.imkAc ?? [])
          .toString('hex')
          .toUpperCase(),
      ).toBe(keys.imkAc);
    }
  });
});

describe('a wrong host file', () => {
  const good = "kind: host\nprofile: nac.yaml\ncurrency: '840'\nbdks: {}\n";

  it.each([
    ['an unknown key', `${good}colour: red\n`, 'h.yaml:5:1'],
    ['a card number that fails Luhn', `${good}cards:\n  - pan: '4761739001010011'\n`, 'h.yaml:6:10'],
    [
      'a key of another length',
      "kind: host\nprofile: x\ncurrency: '840'\nbdks: { FFFF98: '00' }\n",
      'h.yaml:4:17',
    ],
    ['an unknown rule', `${good}answers:\n  - { cod: '05' }\n`, 'h.yaml:6:7'],
  ])('%s', (_, text, where) => {
    expect(() => parseConfig(text, 'h.yaml', hostFileSchema)).toThrow(
      expect.objectContaining({ code: 'CONFIG', where }) as Error,
    );
  });
});

describe('a host file', () => {
  it('may write digits without quotes', () => {
    const read = (text: string) => parseConfig(text, 'host.yaml', hostFileSchema);
    const quoted = `kind: host
profile: nac.yaml
currency: '840'
bdks: {}
cards: [{ pan: '4761739001010010', psn: '01', expiry: '3012', pin: '1234', serviceCode: '201' }]
terminals: [{ tid: '10000001', merchant: '898310048160001' }]
answers: [{ when: { mti: '0200', processingCode: '000000', stan: '000001' }, code: '51' }, { code: '05' }]
`;
    expect(read(quoted.replaceAll("'", ''))).toEqual(read(quoted));
    expect(() => read(quoted.replace("'51'", '5'))).toThrow(/answers\.0\.code/);
  });
});
