import { describe, expect, it } from 'vitest';
import { generateRsaKey, rsaPrivate } from '../../src/crypto/rsa.ts';
import { fromHex, toHex } from '../../src/platform/bytes.ts';
import { VirtualClock } from '../../src/platform/clock.ts';
import { seededRandom } from '../../src/platform/random.ts';
import { silentTrace } from '../../src/platform/trace.ts';
import type { Exchange, Keypad, PinKey } from '../../src/ports/index.ts';
import { createSecureModule } from '../../src/secure/secure-module.ts';
import { memoryKeyStore } from '../support/memory-key-store.ts';
import { testSealer } from '../support/sealer.ts';

/** Enciphered offline PIN in the secure module: EMV 4.3 Book 2, section 7.2. */

const KEY = generateRsaKey(1024, 3);
const CHALLENGE = fromHex('0102030405060708');
const NEVER = new AbortController().signal;
const OK: Exchange = { kind: 'response', response: fromHex('9000') };

interface Entry {
  readonly keys?: readonly PinKey[];
  readonly key?: { readonly modulus: Uint8Array; readonly exponent: Uint8Array };
  readonly challenge?: Uint8Array | undefined;
  readonly exchange?: Exchange;
}

async function enter({ keys = [1, 2, 3, 4, 5, 'enter'], key = KEY, exchange = OK, ...rest }: Entry = {}) {
  const clock = new VirtualClock(0);
  const order: string[] = [];
  const pad: Keypad = {
    kind: 'keypad',
    stars() {},
    open(_prompt, sink) {
      order.push('pad');
      for (const pressed of keys) queueMicrotask(() => sink.press(pressed));
      return () => {};
    },
  };
  const module = createSecureModule({
    store: memoryKeyStore(),
    sealer: testSealer(),
    clock,
    trace: silentTrace,
    pad: () => pad,
    random: seededRandom('padding'),
  });
  const sent: { hex: string; bytes: Uint8Array }[] = [];
  const answer = await clock.run(
    module.offlineEnciphered(
      {
        amountMinor: 1,
        currency: '826',
        exponent: 2,
        key,
        challenge: async () => {
          order.push('challenge');
          return 'challenge' in rest ? rest.challenge : CHALLENGE;
        },
      },
      async (command) => {
        order.push('verify');
        sent.push({ hex: toHex(command), bytes: command });
        return exchange;
      },
      NEVER,
    ),
  );
  return { answer, order, sent };
}

describe('an enciphered PIN', () => {
  it('is 7F, PIN block, challenge and padding under the card’s key, behind 00 20 00 88', async () => {
    const { answer, sent, order } = await enter();
    expect(answer).toEqual({ kind: 'answered', sw: 0x9000 });
    expect(order).toEqual(['pad', 'challenge', 'verify']);
    const [{ hex } = { hex: '' }] = sent;
    expect(hex.slice(0, 10)).toBe('0020008880');
    const plain = toHex(rsaPrivate(KEY, fromHex(hex.slice(10))));
    expect(plain).toHaveLength(256);
    expect(plain.slice(0, 34)).toBe(`7F2512345FFFFFFFFF${toHex(CHALLENGE)}`);
    const padding = seededRandom('padding');
    // The health test at boot takes the first bytes.
    padding.bytes(256);
    expect(plain.slice(34)).toBe(toHex(padding.bytes(111)));
  });

  it('is wiped once the card has answered', async () => {
    const { sent } = await enter({ exchange: { kind: 'fault', fault: 'removed' } });
    expect(sent[0]?.bytes.every((byte) => byte === 0)).toBe(true);
  });

  it.each([
    ['no challenge', { challenge: undefined }],
    ['a challenge of seven bytes', { challenge: fromHex('01020304050607') }],
    ['a key that is too short', { key: { modulus: KEY.modulus.subarray(0, 16), exponent: KEY.exponent } }],
    ['a key that is too long', { key: { modulus: new Uint8Array(249).fill(0xff), exponent: KEY.exponent } }],
    ['an even modulus', { key: { modulus: new Uint8Array(128).fill(0x80), exponent: new Uint8Array(0) } }],
    [
      'a modulus that the block does not fit under',
      { key: { modulus: new Uint8Array(128).fill(0x7f).fill(0x01, 0, 1), exponent: KEY.exponent } },
    ],
  ])('is not sent with %s', async (_, entry) => {
    const { answer, sent } = await enter(entry);
    expect([answer, sent]).toEqual([{ kind: 'not-enciphered' }, []]);
  });

  it.each([
    ['bypassed', ['enter']],
    ['cancelled', [1, 'cancel']],
  ] as const)('that is %s asks the card for nothing', async (kind, keys) => {
    const { answer, order } = await enter({ keys });
    expect([answer, order]).toEqual([{ kind }, ['pad']]);
  });

  it('passes a fault of the card on', async () => {
    const { answer } = await enter({ exchange: { kind: 'fault', fault: 'timeout' } });
    expect(answer).toEqual({ kind: 'fault', fault: 'timeout' });
  });
});
