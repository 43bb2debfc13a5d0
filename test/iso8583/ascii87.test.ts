import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { compileCodec } from '../../src/iso8583/codec.ts';
import { isoMessage } from '../../src/iso8583/message.ts';
import { loadProfile } from '../../src/iso8583/profile.ts';
import { latin1, toHex } from '../../src/platform/bytes.ts';
import { seededRandom } from '../../src/platform/random.ts';

/** The part of npm `iso_8583` that serves as an independent second opinion. */
interface Peer {
  getRawMessage(): Uint8Array | { error: string };
  getIsoJSON(bytes: Uint8Array, options: { lenHeader: boolean }): Record<string, string>;
}
const PeerMessage = createRequire(import.meta.url)('iso_8583') as new (
  message?: Record<number, string>,
  formats?: Record<number, object>,
) => Peer;

const codec = compileCodec(loadProfile('emv-fixtures/hosts/ascii87.yaml').message);

/** The package holds binary fields as hex; its field 64 is four bytes and its field 53 is binary. */
const peerFormats = {
  53: { ContentType: 'n', Label: 'Security control', LenType: 'fixed', MaxLen: 16 },
  64: { ContentType: 'b', Label: 'MAC', LenType: 'fixed', MaxLen: 16 },
};

function bothPack(fields: Record<number, string>) {
  const ours = codec.pack(isoMessage('0200', { ...fields, ...binaryOf(fields) }));
  const theirs = new PeerMessage({ 0: '0200', ...fields }, peerFormats).getRawMessage();
  if (!(theirs instanceof Uint8Array)) throw new Error(JSON.stringify(theirs));
  return { ours, theirs };
}

function binaryOf(fields: Record<number, string>): Record<number, Uint8Array> {
  const binary: Record<number, Uint8Array> = {};
  for (const field of [52, 64]) {
    const hex = fields[field];
    if (hex !== undefined) binary[field] = Uint8Array.from(Buffer.from(hex, 'hex'));
  }
  if (fields[55] !== undefined) binary[55] = latin1(fields[55]);
  return binary;
}

const sale: Record<number, string> = {
  2: '4761739001010119',
  3: '000000',
  4: '000000005000',
  7: '0911131411',
  11: '000123',
  12: '131411',
  13: '0911',
  14: '2212',
  18: '4111',
  22: '051',
  23: '001',
  24: '003',
  25: '00',
  28: 'D00000100',
  32: '423935',
  35: '4761739001010119D22122011758928889',
  37: '091113000123',
  41: '12345678',
  42: 'MERCHANT_000001',
  43: 'A shop on some street, somewhere      ZZ',
  49: '978',
  52: '7434F67813BAE545',
  53: '2600000000000000',
  55: '9F2608A1B2C3D4E5F60718',
  60: '000001',
  64: '0102030405060708',
  90: `0200${'000123'}${'0'.repeat(32)}`,
  102: 'ACCOUNT-1',
};

describe('ascii87 against npm iso_8583', () => {
  it('packs a sale to the same bytes', () => {
    const { ours, theirs } = bothPack(sale);
    expect(toHex(ours)).toBe(toHex(theirs));
  });

  it('reads what the package wrote, and the reverse', () => {
    const { ours, theirs } = bothPack(sale);
    const unpacked = codec.unpack(Uint8Array.from(theirs));
    if (!unpacked.ok) throw new Error(unpacked.error.message);
    const read = new PeerMessage({}, peerFormats).getIsoJSON(Buffer.from(ours), { lenHeader: false });
    for (const [field, value] of Object.entries(sale)) {
      const mine = unpacked.message.fields[Number(field)];
      const text =
        mine instanceof Uint8Array ? (field === '55' ? String.fromCharCode(...mine) : toHex(mine)) : mine;
      expect(text, `field ${field}`).toBe(value);
      expect(read[field]?.toUpperCase(), `field ${field}`).toBe(value.toUpperCase());
    }
  });

  it('agrees on 300 random sets of fields', () => {
    const random = seededRandom('ascii87 sets');
    for (let trial = 0; trial < 300; trial++) {
      const chosen = Object.entries(sale).filter(() => random.below(2) === 1);
      const { ours, theirs } = bothPack(Object.fromEntries(chosen));
      expect(toHex(ours)).toBe(toHex(theirs));
    }
  });

  it('refuses a truncated message, which the package accepts', () => {
    const { ours } = bothPack(sale);
    for (let length = 0; length < ours.length; length++) {
      expect(codec.unpack(ours.subarray(0, length)).ok, `cut to ${length}`).toBe(false);
    }
  });
});
