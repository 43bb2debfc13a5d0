import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { createCard, loadCard } from '../../devices/cards/load.ts';
import { buildEmvConfig, emvConfigShape } from '../../src/emv/config.ts';
import { emvDocument, emvDocumentSchema } from '../../src/emv/document.ts';
import { loadConfig } from '../../src/platform/config.ts';
import { seededRandom } from '../../src/platform/random.ts';
import type { CardChannel } from '../../src/ports/index.ts';
import { answered, pins, run, type Setting } from './support/world.ts';

const TERMINAL = 'emv-fixtures/terminals/demo.yaml';
const config = () =>
  buildEmvConfig(
    loadConfig(TERMINAL, () => z.looseObject(emvConfigShape())),
    TERMINAL,
  );

/** A card file of the fixtures, whose answers may be changed on their way. */
function card(
  name: string,
  face: 'contact' | 'contactless' = 'contact',
  change: (command: Uint8Array, response: Uint8Array) => Uint8Array = (_, response) => response,
): CardChannel {
  const made = createCard(loadCard(`emv-fixtures/cards/${name}.yaml`), { random: seededRandom(3) })[face];
  if (made === undefined) throw new Error(`${name} has no ${face} interface`);
  made.reset();
  return {
    interface: face,
    answerToReset: made.answerToReset,
    async transmit(command) {
      return { kind: 'response', response: change(command, made.respond(command)) };
    },
    async release() {},
  };
}

const pay = (channel: CardChannel, setting: Setting = {}) =>
  run(channel, { config: config(), ...setting, services: { pin: pins('entered'), ...setting.services } });

/** Changes one bit of the answer to one instruction. */
const flip = (ins: number, offsetFromEnd: number) => (command: Uint8Array, response: Uint8Array) => {
  if (command[1] !== ins) return response;
  const changed = response.slice();
  const at = changed.length - offsetFromEnd;
  changed[at] = (changed[at] as number) ^ 1;
  return changed;
};

describe('cards of the fixtures', () => {
  it.each([
    ['visa-credit', 'APPROVED_ONLINE', '0000040000', 'E800', '420300'],
    ['mastercard-cda', 'APPROVED_ONLINE', '0000040000', 'E800', '420300'],
    ['sda', 'APPROVED_OFFLINE', '0200000000', 'E800', '5E0300'],
    ['debit-offline-pin', 'APPROVED_OFFLINE', '0000000000', 'E800', '410302'],
    ['debit-enciphered-pin', 'APPROVED_OFFLINE', '0000000000', 'E800', '440302'],
    ['unionpay-credit', 'APPROVED_ONLINE', '0000048000', 'E800', '420300'],
    ['expired', 'DECLINED_OFFLINE', '0040040000', 'E800', '420300'],
    ['blocked', 'NOT_ACCEPTED', '0000000000', '0000', ''],
    ['card-blocked', 'CARD_BLOCKED', '0000000000', '0000', ''],
  ])('%s', async (name, code, tvr, tsi, cvmResults) => {
    const done = await pay(card(name));
    expect([done.code, done.tvr, done.tsi, done.cvmResults]).toEqual([code, tvr, tsi, cvmResults]);
  });

  it('tapped: offline with fDDA, online above the limit with a PIN', async () => {
    const small = await pay(card('visa-contactless', 'contactless'));
    expect([small.code, small.result.cvm]).toEqual(['APPROVED_OFFLINE', 'none']);
    const large = await pay(card('visa-contactless', 'contactless'), { parameters: { amountMinor: 12000 } });
    expect([large.code, large.result.cvm, large.requests.length]).toEqual([
      'APPROVED_ONLINE',
      'online-pin',
      1,
    ]);
  });
});

describe('a changed card fails data authentication', () => {
  it('DDA', async () => {
    const done = await pay(card('visa-credit', 'contact', flip(0x88, 10)));
    expect([done.tvr.slice(0, 2), done.tsi.slice(0, 2)]).toEqual(['08', 'E8']);
  });

  it('SDA', async () => {
    const done = await pay(card('sda', 'contact', flip(0xb2, 3)));
    expect(done.code === 'CARD_ERROR' || done.tvr.startsWith('42')).toBe(true);
  });

  it('CDA of an ARQC: an AAC follows, nothing goes online', async () => {
    const done = await pay(card('mastercard-cda', 'contact', flip(0xae, 5)));
    expect([done.code, done.requests.length, done.get(0x8a)]).toEqual(['DECLINED_OFFLINE', 0, '5A31']);
    expect(done.tvr.slice(0, 2)).toBe('04');
  });

  it('CDA of the TC after the issuer approved: declined, to be reversed', async () => {
    let answers = 0;
    const second = (command: Uint8Array, response: Uint8Array) =>
      command[1] === 0xae && ++answers === 2 ? flip(0xae, 5)(command, response) : response;
    const done = await pay(card('mastercard-cda', 'contact', second));
    expect([done.code, done.result.hostApprovedCardDeclined]).toEqual(['DECLINED_ONLINE', true]);
  });

  it('fDDA', async () => {
    const done = await pay(card('visa-contactless', 'contactless', flip(0xb2, 20)));
    expect(['DECLINED_OFFLINE', 'APPROVED_ONLINE', 'CARD_ERROR']).toContain(done.code);
    expect(done.code).not.toBe('APPROVED_OFFLINE');
  });
});

describe('a bad CA key fails data authentication', () => {
  const key = config().caKeys[0];
  it.each([
    ['expired', { expiryYymmdd: '251231' }],
    ['of another length', { modulus: key?.modulus.subarray(1) ?? new Uint8Array(0), sha1: undefined }],
    ['with exponent 1', { exponent: Uint8Array.of(1), sha1: undefined }],
    ['with a wrong checksum', { sha1: new Uint8Array(20) }],
    ['that is missing', { index: 0 }],
  ])('%s', async (_, change) => {
    const good = config();
    const caKeys = good.caKeys.map((k) => {
      const changed: Record<string, unknown> = { ...k, ...change };
      if (changed.sha1 === undefined) delete changed.sha1;
      return changed as unknown as typeof k;
    });
    const done = await pay(card('visa-credit'), { config: { ...good, caKeys } });
    expect(done.tvr.slice(0, 2)).toBe('08');
    expect(done.tsi.slice(0, 1)).toBe('E');
  });
});

describe('any change to any answer', () => {
  const random = seededRandom('bits');
  it.each([
    ['visa-credit', 'contact'],
    ['mastercard-cda', 'contact'],
    ['debit-offline-pin', 'contact'],
    ['visa-contactless', 'contactless'],
  ] as const)('of %s gives an outcome, and no approval without the card', async (name, face) => {
    for (let trial = 0; trial < 60; trial++) {
      const victim = random.below(9);
      let count = 0;
      const channel = card(name, face, (_, response) => {
        if (count++ !== victim) return response;
        const kind = random.below(3);
        if (kind === 0) return response.subarray(0, random.below(response.length + 1));
        const changed = response.slice();
        for (let i = 0; i <= random.below(3); i++) changed[random.below(changed.length)] = random.below(256);
        return changed;
      });
      const { code, result } = await pay(channel, { services: { pin: pins(...Array(9).fill('entered')) } });
      expect(code).toMatch(/^[A-Z_]+$/);
      if (code !== 'APPROVED_ONLINE') {
        expect(result.hostApprovedCardDeclined).toBe(result.onlineSent);
      }
    }
  });
});

describe('issuer keys', () => {
  it('are recovered once per terminal configuration', async () => {
    const shared = config();
    await pay(card('visa-credit'), { config: shared });
    await pay(card('visa-contactless', 'contactless'), { config: shared });
    expect(shared.issuerKeys.size).toBe(1);
    await pay(card('sda'), { config: shared });
    expect(shared.issuerKeys.size).toBe(2);
  });
});

describe('the document', () => {
  it('has the promised keys and shows the test PAN', async () => {
    const done = await pay(card('debit-offline-pin'), { answer: answered('00', true) });
    const document = emvDocument(done.result, done.record);
    expect(emvDocumentSchema.parse(document)).toEqual(document);
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
    expect(document.objects['5A']).toBe('4761739001010028');
    const verify = document.apdus.find(({ command }) => command.startsWith('0020'));
    expect(verify?.command).toBe('0020008008FFFFFFFFFFFFFFFF');
  });
});
