import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createCard, loadCard } from '../../../devices/cards/load.ts';
import type { IccFile } from '../../../devices/cards/schema.ts';
import {
  iccCertificate,
  rsaSigner,
  signDynamicData,
  signStaticData,
} from '../../../src/crypto/certificates.ts';
import { type RsaPrivateKey, rsaKeyFromPrimes } from '../../../src/crypto/rsa.ts';
import { readCaKeys } from '../../../src/emv/ca-key-file.ts';
import { concat, fromHex, toHex } from '../../../src/platform/bytes.ts';
import { seededRandom } from '../../../src/platform/random.ts';
import type { CardChannel } from '../../../src/ports/index.ts';
import { AID, GPO, READ, SELECT_PPSE, scriptedCard, select, template } from '../support/card.ts';
import { contactlessFci, directory } from '../support/tap.ts';
import { config, pins, run, type Setting } from '../support/world.ts';

/** EMV Contactless Book C-3: offline data authentication, also of transactions that go online (TTQ byte 1, bit 1). */

const FILE = 'emv-fixtures/cards/visa-contactless.yaml';
const TEST_CA = { caKeys: readCaKeys('../capk/test-ca.yaml', 'emv-fixtures/terminals/demo.yaml') };
const ASKS = '37000080';
const DOES_NOT_ASK = '36000080';

const terminal = (ttq: string, more: object = {}) => {
  const contactless = { kernel: 3, ttq, floorLimit: 5000, cvmLimit: 10000, ...more };
  return { ...config({ contactless }), ...TEST_CA };
};

type Change = (command: Uint8Array, response: Uint8Array) => Uint8Array;

function emulated(change: Change = (_, response) => response): CardChannel {
  const face = createCard(loadCard(FILE), { random: seededRandom(3) }).contactless;
  return {
    interface: 'contactless',
    answerToReset: new Uint8Array(0),
    transmit: async (command) => ({
      kind: 'response',
      response: change(command, face?.respond(command) ?? new Uint8Array(0)),
    }),
    async release() {},
  };
}

/** Turns a bit of the issuer certificate. */
const forged: Change = (command, response) => {
  if (command[1] !== 0xb2 || response.length < 150 || response[response.length - 1] !== 0) return response;
  const changed = response.slice();
  changed[40] = (changed[40] as number) ^ 1;
  return changed;
};

const decisions = (done: Awaited<ReturnType<typeof run>>) =>
  done.record.decisions.filter(({ phase }) => phase === 'oda').map(({ rule }) => rule);

/** Above the floor limit, below the CVM limit. */
const ONLINE: Setting = { parameters: { amountMinor: 6000 } };

describe('an online transaction', () => {
  it.each([
    ['that is not to be authenticated', DOES_NOT_ASK, {}, undefined, ['Not performed'], 'APPROVED_ONLINE'],
    ['with a genuine signature', ASKS, {}, undefined, ['fDDA succeeded'], 'APPROVED_ONLINE'],
    [
      'with a forged certificate, where the site goes online',
      ASKS,
      {},
      forged,
      ['fDDA failed', 'Go online all the same'],
      'APPROVED_ONLINE',
    ],
    [
      'with a forged certificate, where the site declines',
      ASKS,
      { onlineOdaFailure: 'decline' },
      forged,
      ['fDDA failed', 'Decline'],
      'DECLINED_OFFLINE',
    ],
    [
      'with a genuine signature, where the site declines forged ones',
      ASKS,
      { onlineOdaFailure: 'decline' },
      undefined,
      ['fDDA succeeded'],
      'APPROVED_ONLINE',
    ],
  ] as const)('%s', async (_, ttq, more, change, rules, code) => {
    const done = await run(emulated(change), { config: terminal(ttq, more), ...ONLINE });
    expect([decisions(done), done.code]).toEqual([rules, code]);
    expect(done.requests).toHaveLength(code === 'APPROVED_ONLINE' ? 1 : 0);
    expect(done.tvr).toBe('0000000000');
  });
});

/** A card that is made of answers, with the certificates of the test authority. */
const visa = loadCard(FILE) as IccFile;
const privateKeys = parse(readFileSync('emv-fixtures/capk/test-ca.private.yaml', 'utf8')) as {
  issuers: { visa: { primeP: string; primeQ: string; exponent: string } };
};
const rsa = ({ primeP, primeQ, exponent }: { primeP: string; primeQ: string; exponent: string }) =>
  rsaKeyFromPrimes(fromHex(primeP), fromHex(primeQ), fromHex(exponent));
const ISSUER = rsaSigner(rsa(privateKeys.issuers.visa));
const CARD: RsaPrivateKey = rsaKeyFromPrimes(
  visa.rsa?.primeP ?? new Uint8Array(0),
  visa.rsa?.primeQ ?? new Uint8Array(0),
  visa.rsa?.exponent ?? new Uint8Array(0),
);
const TRACK = `${visa.pan}D30122010000099900000F`;
const issuerObjects = () => {
  const records = visa.contactless?.applications[0]?.records ?? [];
  const objects: Record<string, string> = {};
  for (const [tag, value] of records.flatMap(({ data }) => [...data])) {
    const name = tag.toString(16).toUpperCase().padStart(2, '0');
    if (['8F', '90', '92', '9F32'].includes(name)) objects[name] = toHex(value);
  }
  return objects;
};

interface Signed {
  readonly aip?: string;
  readonly cid?: string;
  readonly ctq?: string;
  readonly more?: Record<string, string>;
  readonly related?: string;
  readonly format?: number;
  readonly sda?: boolean;
}

/** fDDA over the number 01020304, 12.00 or 120.00, currency 0840; or SDA over the first record. */
function signedCard(
  { aip = '2000', cid = '80', ctq = '0000', more = {}, related, format = 0x95, sda = false }: Signed,
  amount: string,
) {
  const first = fromHex(template('70', { '5A': visa.pan, '5F24': '301231' })).subarray(2);
  const staticData = concat(first, fromHex(aip));
  const authentication: Record<string, string> = { ...issuerObjects() };
  let sdad = '';
  if (sda) {
    authentication['93'] = toHex(signStaticData(ISSUER, fromHex('DAC1'), staticData, format));
  } else {
    const key = { ...CARD, expiry: '1249', serial: fromHex('000002') };
    const icc = iccCertificate(ISSUER, visa.pan, key, staticData);
    Object.assign(authentication, { '9F46': toHex(icc.certificate), '9F47': '03' });
    if (icc.remainder.length > 0) authentication['9F48'] = toHex(icc.remainder);
    const input = related?.startsWith('01') ? `01020304${amount}0840${related}` : '01020304';
    sdad = toHex(signDynamicData(rsaSigner(CARD), fromHex('0200F1'), fromHex(input), format));
  }
  return scriptedCard(
    {
      [SELECT_PPSE]: directory(AID),
      [select(AID)]: contactlessFci(AID),
      [GPO]: `${template('77', {
        '82': aip,
        '94': '0801010110020200',
        '57': TRACK,
        '9F10': '06010A03A00000',
        '9F26': '1122334455667788',
        '9F27': cid,
        '9F36': '00F1',
        '9F6C': ctq,
        ...more,
        ...(related === undefined ? {} : { '9F69': related }),
        ...(sdad === '' ? {} : { '9F4B': sdad }),
      })}9000`,
      [READ]: `${template('70', { '5A': visa.pan, '5F24': '301231' })}9000`,
      '00B20214': `${template('70', { '9F4A': '82', ...authentication })}9000`,
    },
    'contactless',
  );
}

async function play(card: Signed, setting: Setting & { ttq?: string; amountMinor?: number } = {}) {
  const { ttq = ASKS, amountMinor = 1200, services, ...rest } = setting;
  const amount = String(amountMinor).padStart(12, '0');
  const done = await run(signedCard(card, amount), {
    config: terminal(ttq),
    parameters: { amountMinor },
    ...rest,
    services: { fixedUnpredictableNumber: fromHex('01020304'), pin: pins('entered'), ...services },
  });
  return { ...done, rules: decisions(done), cvm: done.result.cvm };
}

describe('the format byte', () => {
  it.each([
    ['fDDA 95, online', {}, 'fDDA succeeded'],
    ['fDDA 05, online', { format: 0x05 }, 'fDDA succeeded'],
    ['fDDA 15, online', { format: 0x15 }, 'fDDA failed'],
    ['fDDA 05, offline', { cid: '40', format: 0x05 }, 'fDDA succeeded'],
    ['fDDA 95, offline', { cid: '40' }, 'fDDA failed'],
    ['SDA 93, online', { aip: '4000', sda: true, format: 0x93 }, 'SDA succeeded'],
    ['SDA 03, online', { aip: '4000', sda: true, format: 0x03 }, 'SDA succeeded'],
    ['SDA is no method for an offline approval', { aip: '4000', cid: '40', sda: true }, 'fDDA failed'],
    ['fDDA before SDA', { aip: '6000' }, 'fDDA succeeded'],
    ['neither in the AIP', { aip: '0000' }, 'Not performed'],
    ['version 01 of the authentication data', { related: '01ABABABAB0000' }, 'fDDA succeeded'],
  ])('%s', async (_, card, rule) => {
    const { rules, code } = await play(card);
    expect(rules[0]).toBe(rule);
    const offline = 'cid' in card;
    const good = rule.endsWith('succeeded');
    expect(code).toBe(offline ? (good ? 'APPROVED_OFFLINE' : 'DECLINED_OFFLINE') : 'APPROVED_ONLINE');
  });

  it('does not save a signature over another amount', async () => {
    const card = signedCard({ related: '01ABABABAB0000' }, '000000000100');
    const done = await run(card, {
      config: terminal(ASKS),
      services: { fixedUnpredictableNumber: fromHex('01020304') },
    });
    expect(decisions(done)[0]).toBe('fDDA failed');
  });
});

describe('a device that says it verified its holder, where a CVM is required', () => {
  const high = { amountMinor: 12_000 };
  const PHONE = { '9F6E': '23700000' };
  const CARD_FORM = { '9F6E': '20700000' };
  it.each([
    [
      'phone, signed',
      { ctq: '0080', related: '01ABABABAB0080', more: PHONE },
      high,
      'cdcvm',
      'APPROVED_ONLINE',
    ],
    [
      'phone, for the issuer to check',
      { ctq: '0080', more: PHONE },
      { ...high, ttq: DOES_NOT_ASK },
      'cdcvm',
      'APPROVED_ONLINE',
    ],
    [
      'plain card: the PIN is wanted',
      { ctq: '0080', more: CARD_FORM },
      high,
      'online-pin',
      'APPROVED_ONLINE',
    ],
    [
      'plain card, reader without a PIN',
      { ctq: '0080', more: CARD_FORM },
      { ...high, ttq: '33000080' },
      'failed',
      'DECLINED_OFFLINE',
    ],
    [
      'plain card, offline',
      { ctq: '0080', cid: '40', format: 5, related: '01ABABABAB0080', more: CARD_FORM },
      high,
      'failed',
      'DECLINED_OFFLINE',
    ],
    [
      'phone with a false signature',
      { ctq: '0080', format: 0x15, more: PHONE },
      high,
      'online-pin',
      'APPROVED_ONLINE',
    ],
    [
      'phone, signature over other qualifiers',
      { ctq: '0080', related: '01ABABABAB0000', more: PHONE },
      high,
      'failed',
      'DECLINED_OFFLINE',
    ],
    [
      'phone, signature that leaves the qualifiers out',
      { ctq: '0080', cid: '40', format: 5, related: '00ABABABAB0080', more: PHONE },
      { ...high, config: terminal('36000080', { floorLimit: 50000 }) },
      'failed',
      'DECLINED_OFFLINE',
    ],
    [
      'phone, signed, offline',
      { ctq: '0080', cid: '40', format: 5, related: '01ABABABAB0080', more: PHONE },
      { ...high, config: terminal('36000080', { floorLimit: 50000 }) },
      'cdcvm',
      'APPROVED_OFFLINE',
    ],
  ] as const)('%s', async (_, card, setting, cvm, code) => {
    const done = await play(card, setting);
    expect([done.cvm, done.code]).toEqual([cvm, code]);
  });

  it('is not looked at closer below the limit', async () => {
    const done = await play({ ctq: '0080', more: CARD_FORM });
    expect([done.cvm, done.code]).toEqual(['cdcvm', 'APPROVED_ONLINE']);
  });
});
