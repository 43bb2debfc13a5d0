import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { iccCertificate, issuerCertificate, rsaSigner } from '../../../src/crypto/certificates.ts';
import { rsaKeyFromPrimes } from '../../../src/crypto/rsa.ts';
import { concat, fromHex, toHex } from '../../../src/platform/bytes.ts';
import {
  answer,
  type Change,
  type Edit,
  emulatedCard,
  flip,
  set,
  testCaKeys,
  without,
} from '../support/emulated.ts';
import { config, pins, run, type Setting } from '../support/world.ts';

/** Offline data authentication that fails: EMV 4.3 Book 2, sections 5 and 6; Book 3, sections 7.5 and 10.3. */

const MC = 'A0000000041010';
const VISA = 'A0000000031010';
const NO_PIN = { '9F33': 'E028C8' };

type Case = 'visa-credit' | 'mastercard-cda' | 'sda';

async function pay(name: Case, tampering: { edit?: Edit; change?: Change }, setting: Setting = {}) {
  const card = emulatedCard(name, tampering);
  const aids = [VISA, MC].map((aid) => ({
    aid,
    version: aid === VISA ? '0096' : '0002',
    floorLimit: 10_000,
  }));
  const terminal = { ...config({}, NO_PIN, { aids }), caKeys: testCaKeys() };
  const done = await run(card, {
    config: terminal,
    ...setting,
    services: { pin: pins(), ...setting.services },
  });
  const p1 = card.commands.filter((hex) => hex.startsWith('80AE')).map((hex) => hex.slice(4, 6));
  return { ...done, card, p1 };
}

/** Bits of TVR byte 1. */
const METHODS = [
  ['sda', 'sda', '42', '62'],
  ['dda', 'visa-credit', '08', '28'],
  ['cda', 'mastercard-cda', '04', '24'],
] as const;

describe.each(METHODS)('%s', (method, name, failed, missing) => {
  const until = { services: { until: method === 'cda' ? 'taa' : 'oda' } } as const;

  it('succeeds with genuine data', async () => {
    const good = await pay(name, {}, until);
    expect([good.tvr.slice(0, 2), good.code]).toEqual([method === 'sda' ? '02' : '00', 'STOPPED']);
  });

  it.each([
    ['a CA key index that the terminal does not have', set(0x8f, '07'), failed],
    ['a changed issuer certificate', flip(0x90), failed],
    ['a changed issuer remainder', set(0x92, '00000000'), failed],
    ['another issuer exponent', set(0x9f32, '010001'), failed],
    ['an exponent that is none', set(0x9f32, '02'), failed],
    ['a changed static object', set(0x9f07, 'FF80'), failed],
    ['a tag list that names more than the AIP', set(0x9f4a, '82025A'), failed],
    ['an AIP that is not listed', without(0x9f4a), failed],
    ['no CA key index', without(0x8f), missing],
    ['no issuer certificate', without(0x90), missing],
    ['no issuer exponent', without(0x9f32), missing],
    ['an issuer certificate that is too short', set(0x90, '00'.repeat(100)), failed],
  ])('fails with %s, and is told to have been performed', async (_, edit, byte1) => {
    const done = await pay(name, { edit }, until);
    expect([done.tvr.slice(0, 2), Number.parseInt(done.tsi.slice(0, 1), 16) & 8]).toEqual([byte1, 8]);
  });

  it('that failed never ends in an approval where the terminal’s codes say so', async () => {
    const aids = [VISA, MC].map((aid) => ({
      aid,
      version: aid === VISA ? '0096' : '0002',
      floorLimit: 10_000,
      tac: { denial: '0000000000', online: '4C00000000', default: '4C00000000' },
    }));
    const strict = { ...config({}, NO_PIN, { aids }), caKeys: testCaKeys() };
    const done = await pay(name, { edit: flip(0x90) }, { config: strict, answer: { kind: 'unable' } });
    expect([done.code, done.get(0x8a)]).toEqual(['DECLINED_OFFLINE', '5A33']);
    expect(done.requests).toHaveLength(1);
  });
});

describe('SDA', () => {
  it.each([
    ['no signed data', without(0x93), '62'],
    ['changed signed data', flip(0x93), '42'],
  ])('with %s', async (_, edit, byte1) => {
    expect((await pay('sda', { edit }, { services: { until: 'oda' } })).tvr.slice(0, 2)).toBe(byte1);
  });
});

describe.each([
  ['DDA', 'visa-credit', '08', '28'],
  ['CDA', 'mastercard-cda', '04', '24'],
] as const)('%s', (_method, name, failed, missing) => {
  const until = { services: { until: 'oda' } } as const;
  it.each([
    ['no ICC certificate', without(0x9f46), missing],
    ['no ICC exponent', without(0x9f47), missing],
    ['no ICC remainder', without(0x9f48), failed],
    ['a changed ICC certificate', flip(0x9f46), failed],
  ])('with %s', async (_, edit, byte1) => {
    expect((await pay(name, { edit }, until)).tvr.slice(0, 2)).toBe(byte1);
  });
});

describe('DDA', () => {
  const until = { services: { until: 'oda' } } as const;

  it.each([
    ['without a DDOL the terminal’s is used', without(0x9f49), { defaultDdol: '9F3704' }, '00'],
    ['without any DDOL it fails', without(0x9f49), {}, '08'],
    ['with a DDOL that leaves out the number it fails', set(0x9f49, '9F0206'), {}, '08'],
  ])('%s', async (_, edit, aid, byte1) => {
    const resign: Edit = (objects) => {
      edit(objects);
      certify(objects);
    };
    const aids = [{ aid: VISA, version: '0096', ...aid }];
    const terminal = { ...config({}, NO_PIN, { aids }), caKeys: testCaKeys() };
    const done = await pay('visa-credit', { edit: resign }, { config: terminal, ...until });
    expect(done.tvr.slice(0, 2)).toBe(byte1);
  });

  it.each([
    ['refuses', '6985', 'CARD_ERROR', '00'],
    ['leaves', '', 'CARD_ERROR', '00'],
    ['answers no template', '9000', 'CARD_ERROR', '00'],
    ['gives an empty signature', '80009000', 'STOPPED', '08'],
  ])('when the card %s', async (_, response, code, byte1) => {
    const done = await pay('visa-credit', { change: answer(0x88, response) }, until);
    expect([done.code, done.tvr.slice(0, 2)]).toEqual([code, byte1]);
  });
});

/** Changes the answer to the first or second GENERATE AC at a place that counts from its end. */
const inCryptogram = (which: 1 | 2, fromEnd: number): Change => {
  let seen = 0;
  return (command, response) => {
    if (command[1] !== 0xae || ++seen !== which) return response;
    const changed = response.slice();
    changed[changed.length - fromEnd] = (changed[changed.length - fromEnd] as number) ^ 1;
    return changed;
  };
};
/** In the issuer application data, which the transaction data hash covers; in the signature itself. */
const HASHED = 5;
const SIGNATURE = 60;
const ONLINE: Setting = { parameters: { amountMinor: 20_000 } };

describe('CDA', () => {
  it('approves offline with a signed TC', async () => {
    const done = await pay('mastercard-cda', {});
    expect([done.code, done.p1, done.get(0x8a)]).toEqual(['APPROVED_OFFLINE', ['50'], '5931']);
    expect(done.get(0x9f4c)).toHaveLength(16);
  });

  it.each([
    ['hash', HASHED],
    ['signature', SIGNATURE],
  ])('of a TC with a wrong %s is a decline, without a second cryptogram', async (_, place) => {
    const done = await pay('mastercard-cda', { change: inCryptogram(1, place) });
    expect([done.code, done.p1, done.get(0x8a)]).toEqual(['DECLINED_OFFLINE', ['50'], '5A31']);
    expect(done.tvr.slice(0, 2)).toBe('04');
  });

  it.each([
    ['hash', HASHED],
    ['signature', SIGNATURE],
  ])('of an ARQC with a wrong %s is completed by an AAC, without the issuer', async (_, place) => {
    const done = await pay('mastercard-cda', { change: inCryptogram(1, place) }, ONLINE);
    expect([done.code, done.p1, done.get(0x8a)]).toEqual(['DECLINED_OFFLINE', ['90', '00'], '5A31']);
    expect(done.requests).toEqual([]);
  });

  it.each([
    ['hash', HASHED],
    ['signature', SIGNATURE],
  ])('of the second TC with a wrong %s is a decline that has to be reversed', async (_, place) => {
    const done = await pay('mastercard-cda', { change: inCryptogram(2, place) }, ONLINE);
    expect([done.code, done.p1]).toEqual(['DECLINED_ONLINE', ['90', '50']]);
    expect([done.tvr.slice(0, 2), done.result.hostApprovedCardDeclined]).toEqual(['04', true]);
  });

  it('is not asked for when the card’s key could not be recovered', async () => {
    const done = await pay('mastercard-cda', { edit: flip(0x9f46) });
    expect([done.p1[0], done.tvr.slice(0, 2)]).toEqual(['80', '04']);
  });

  it('that the card leaves out of its answer has failed', async () => {
    const unsigned = '771E9F2701409F360200029F26081122334455667788 9F10030601039000'.replace(' ', '');
    const body = unsigned.slice(4, -4);
    const change: Change = (command, response) =>
      command[1] === 0xae ? fromHex(`77${(body.length / 2).toString(16)}${body}9000`) : response;
    const done = await pay('mastercard-cda', { change });
    expect([done.code, done.tvr.slice(0, 2)]).toEqual(['DECLINED_OFFLINE', '04']);
  });
});

const authority = parse(readFileSync('emv-fixtures/capk/test-ca.private.yaml', 'utf8')) as {
  authorities: { visa: { primeP: string; primeQ: string; exponent: string } };
  issuers: { visa: { primeP: string; primeQ: string; exponent: string } };
};
const keyOf = ({ primeP, primeQ, exponent }: { primeP: string; primeQ: string; exponent: string }) =>
  rsaKeyFromPrimes(fromHex(primeP), fromHex(primeQ), fromHex(exponent));
const CA = keyOf(authority.authorities.visa);
const ISSUER = keyOf(authority.issuers.visa);
/** Objects of the record that is signed, as the last edit left them. */
let signedRecord: Uint8Array = new Uint8Array(0);

/** Makes the ICC certificate fit the signed record again. Records are edited in their order. */
function certify(objects: Map<number, Uint8Array>): void {
  if (objects.has(0x8c)) {
    const parts = [...objects].map(([tag, value]) =>
      concat(fromHex(tag.toString(16).padStart(tag > 0xff ? 4 : 2, '0')), Uint8Array.of(value.length), value),
    );
    signedRecord = concat(...parts);
  }
  const old = objects.get(0x9f46);
  if (old === undefined) return;
  const card = emulatedCardKey();
  const made = iccCertificate(
    rsaSigner(ISSUER),
    '4761739001010010',
    { ...card, expiry: '1249', serial: fromHex('000002') },
    concat(signedRecord, fromHex('3800')),
  );
  objects.set(0x9f46, made.certificate);
  objects.set(0x9f48, made.remainder);
}

function emulatedCardKey() {
  const { rsa } = parse(readFileSync('emv-fixtures/cards/visa-credit.yaml', 'utf8')) as {
    rsa: { primeP: string; primeQ: string; exponent: string };
  };
  return keyOf(rsa);
}

describe('an issuer certificate', () => {
  const certificate =
    (identifier: string, expiry: string): Edit =>
    (objects) => {
      if (!objects.has(0x90)) return;
      const key = { ...ISSUER, expiry, serial: fromHex('000001') };
      const made = issuerCertificate(rsaSigner(CA), identifier, key);
      objects.set(0x90, made.certificate);
      objects.set(0x92, made.remainder);
    };
  it.each([
    ['that is good to the end of this month', '476173', '1126', '00'],
    ['that expired last month', '476173', '1026', '08'],
    ['with a month that is none', '476173', '1326', '08'],
    ['of three digits', '476', '1249', '00'],
    ['for another range of accounts', '476174', '1249', '08'],
  ])('%s', async (_, identifier, expiry, byte1) => {
    const edit = certificate(identifier, expiry);
    const done = await pay('visa-credit', { edit }, { services: { until: 'oda' } });
    expect(done.tvr.slice(0, 2)).toBe(byte1);
    expect(toHex(done.result.aid ?? new Uint8Array(0))).toBe(VISA);
  });
});
