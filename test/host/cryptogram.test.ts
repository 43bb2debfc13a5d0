import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readChipData } from '../../src/host/chip-data.ts';
import type { CryptogramName, IssuerCard } from '../../src/host/config.ts';
import { verifyCryptogram } from '../../src/host/cryptogram.ts';
import { concat, fromHex, fromLatin1, toHex } from '../../src/platform/bytes.ts';
import { encodeTlv, tagFromHex } from '../../src/tlv/ber.ts';

interface Vector {
  readonly name: string;
  readonly op: string;
  readonly scheme?: string;
  readonly imkAc: string;
  readonly pan: string;
  readonly psn: string;
  readonly masterKeyOption: 'A' | 'B';
  readonly tags?: Readonly<Record<string, string>>;
  readonly arqc: string;
  readonly arc?: string;
  readonly arpc: string;
}

const NAMES: Readonly<Record<string, CryptogramName>> = {
  'VISA-CVN10': 'visa-cvn10',
  'VISA-CVN18': 'visa-cvn18',
  'MASTERCARD-CVN16': 'mchip-cvn16',
  'MASTERCARD-CVN20': 'mchip-cvn20',
  UNIONPAY: 'unionpay-cvn01',
};

/** Bytes before the card verification results in tag 9F10, and the length of the results. */
const IAD: Readonly<Record<CryptogramName, readonly [head: string, results: number]>> = {
  'visa-cvn10': ['06010A', 4],
  'visa-cvn18': ['060112', 4],
  'mchip-cvn16': ['0110', 6],
  'mchip-cvn20': ['0114', 6],
  'unionpay-cvn01': ['070101', 4],
};

function iadOf({ scheme, tags }: Vector): string | undefined {
  const layout = IAD[NAMES[scheme ?? ''] ?? 'visa-cvn10'];
  const results = tags?.CVR;
  if (results !== undefined) return results.length === 2 * layout[1] ? layout[0] + results : undefined;
  return tags?.['9F10'];
}

const { vectors } = JSON.parse(readFileSync('test/vectors/emv-cryptogram.json', 'utf8')) as {
  vectors: Vector[];
};
const usable = vectors.filter(
  (vector) =>
    vector.op === 'application-cryptogram' && (vector.scheme ?? '') in NAMES && iadOf(vector) !== undefined,
);

describe.each(usable)('$name', (vector) => {
  const name = NAMES[vector.scheme as string] as CryptogramName;
  const card = { pan: vector.pan, psn: vector.psn, masterKeyOption: vector.masterKeyOption } as IssuerCard;
  const field55 = (arqc: string) =>
    concat(
      encodeTlv(0x9f26, fromHex(arqc)),
      encodeTlv(0x9f27, Uint8Array.of(0x80)),
      encodeTlv(0x9f10, fromHex(iadOf(vector) ?? '')),
      ...Object.entries(vector.tags ?? {})
        .filter(([tag]) => tag !== 'CVR' && tag !== '9F10')
        .map(([tag, hex]) => encodeTlv(tagFromHex(tag), fromHex(hex))),
    );

  it('is verified, and answered with the expected ARPC', () => {
    const chip = readChipData(field55(vector.arqc));
    if (chip === undefined) throw new Error('chip data');
    const verified = verifyCryptogram(card, name, fromHex(vector.imkAc), chip);
    expect(verified).toBeDefined();
    if (vector.arc === undefined) {
      expect(toHex(verified?.issuerAuthenticationData('05', false) ?? new Uint8Array(0))).toBe(
        `${vector.arpc}00000000`,
      );
    } else {
      const data = verified?.issuerAuthenticationData(fromLatin1(fromHex(vector.arc)), true);
      expect(toHex(data ?? new Uint8Array(0))).toBe(vector.arpc + vector.arc);
    }
  });

  it('is refused when one bit differs', () => {
    const altered = (Number.parseInt(vector.arqc.slice(0, 2), 16) ^ 1).toString(16).padStart(2, '0');
    const chip = readChipData(field55(altered + vector.arqc.slice(2)));
    if (chip === undefined) throw new Error('chip data');
    expect(verifyCryptogram(card, name, fromHex(vector.imkAc), chip)).toBeUndefined();
  });
});

it('covers every version of the test cards', () => {
  expect(new Set(usable.map(({ scheme }) => scheme)).size).toBe(5);
});
