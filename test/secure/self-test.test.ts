import { describe, expect, it, onTestFinished } from 'vitest';
import { initialKey } from '../../src/crypto/dukpt-tdes.ts';
import { fromHex } from '../../src/platform/bytes.ts';
import { VirtualClock } from '../../src/platform/clock.ts';
import { type Random, seededRandom } from '../../src/platform/random.ts';
import { Secret } from '../../src/platform/secret.ts';
import { createTrace } from '../../src/platform/trace.ts';
import { createSecureModule, type SecureModule } from '../../src/secure/secure-module.ts';
import {
  FURTHER_ANSWERS,
  firstWrong,
  type KnownAnswer,
  POWER_UP_ANSWERS,
} from '../../src/secure/self-test.ts';
import { memoryKeyStore } from '../support/memory-key-store.ts';
import { testSealer } from '../support/sealer.ts';

const KSN = fromHex('FFFF9876543210E00000');
const AES_KSN = fromHex('123456789012345600000000');
const BDK = fromHex('0123456789ABCDEFFEDCBA9876543210');
const ANSWERS = [...POWER_UP_ANSWERS, ...FURTHER_ANSWERS];
const DAY_MS = 24 * 3_600_000;
/** TR-31:2018 annex A.7.2.2, under its sample KBPK. */
const PUBLISHED_BLOCK = 'B0080P0TE00E000094B420079CC80BA3461F86FE26EFC4A3B8E4FA4C5F5341176EED7B727B8A248E';
const constant: Random = { bytes: (length) => new Uint8Array(length), below: () => 0 };

function machine(random: Random = seededRandom(1)) {
  const clock = new VirtualClock(0);
  const store = memoryKeyStore();
  const alarms: string[] = [];
  const trace = createTrace(clock, (event) => event);
  trace.subscribe((event) => event.kind === 'alarm' && alarms.push(event.what));
  const seals = testSealer();
  const module = createSecureModule({ store, sealer: seals, clock, trace, pad: () => undefined, random });
  if (module.status() === 'unprovisioned') module.loadInitialKey(new Secret(initialKey(BDK, KSN)), KSN);
  return { module, clock, store, alarms };
}

/** Changes the last byte of a stored record. */
function alter(store: ReturnType<typeof memoryKeyStore>, name: string): void {
  const record = Uint8Array.from(store.records.get(name) as Uint8Array);
  record[record.length - 1] = (record.at(-1) as number) ^ 1;
  store.records.set(name, record);
}

describe('the known answers', () => {
  it.each(ANSWERS.map((known) => [known.algorithm, known] as const))('of %s are right', (_, known) => {
    expect(firstWrong([known])).toBeUndefined();
  });

  it.each(ANSWERS.map((known) => [known.algorithm, known] as const))(
    'of %s are compared whole',
    (name, known) => {
      const last = known.answer.at(-1) === '0' ? '1' : '0';
      const wrong: KnownAnswer = { ...known, answer: known.answer.slice(0, -1) + last };
      expect(firstWrong([...ANSWERS, wrong])).toBe(name);
    },
  );

  it('name the algorithm that cannot be calculated', () => {
    const broken: KnownAnswer = {
      algorithm: 'RSA',
      answer: '',
      compute: () => {
        throw new Error('no such algorithm');
      },
    };
    expect(firstWrong([broken])).toBe('RSA');
    expect(firstWrong([{ ...broken, answer: '00', compute: () => undefined }])).toBe('RSA');
  });
});

describe('the self-test of the module', () => {
  it('passes, at boot and every 24 hours', async () => {
    const { module, clock, alarms } = machine();
    expect(module.selfTest()).toBeUndefined();
    await clock.advance(3 * DAY_MS);
    expect([module.status(), alarms]).toEqual(['ready', []]);
  });

  it.each([
    ['a key slot', (module: SecureModule) => module.keys.list()],
    ['a key block', (module: SecureModule) => module.loadInitialKeyBlock({ block: PUBLISHED_BLOCK })],
    ['an AES key', (module: SecureModule) => module.loadInitialKey(new Secret(new Uint8Array(16)), AES_KSN)],
  ])('comes before %s is used, when it has not come yet', (_, use) => {
    const answers = FURTHER_ANSWERS as KnownAnswer[];
    answers.push({ algorithm: 'the last one', compute: () => undefined, answer: '00' });
    onTestFinished(() => void answers.pop());
    const { module } = machine();
    expect([module.status(), module.takeMessageKey()]).toEqual(['ready', expect.anything()]);
    expect(() => use(module)).toThrow(/out of service: the self-test of the last one failed/);
    expect(module.status()).toBe('failed');
  });

  it('is no reason for virtual time to pass', async () => {
    const { clock } = machine();
    await clock.run(new Promise<void>((resolve) => clock.after(5000, resolve)));
    expect(clock.now()).toBe(5000);
  });

  it('ends with the module', async () => {
    const { module, clock, store, alarms } = machine();
    module.close();
    for (const register of ['01', '02', '03']) alter(store, `dukpt/0/register/${register}`);
    await clock.advance(3 * DAY_MS);
    expect(alarms).toEqual([]);
  });

  it('finds a key slot that was altered, and puts the module out of service with its name', async () => {
    const { module, clock, store, alarms } = machine();
    module.keys.loadBlock({ block: PUBLISHED_BLOCK, name: 'pins' });
    expect(module.selfTest()).toBeUndefined();
    alter(store, 'slot/pins');
    await clock.advance(DAY_MS + 60_000);
    expect([module.status(), module.fault()]).toEqual(['failed', 'key slot pins was altered']);
    expect(alarms).toEqual(['out of service: key slot pins was altered']);
    expect(module.takeMessageKey()).toBeUndefined();
    expect(() => module.loadInitialKey(new Secret(initialKey(BDK, KSN)), KSN)).toThrow(
      /key slot pins was altered/,
    );
  });

  it('reports a wrong register, and takes more than two for tampering', () => {
    const { module, store, alarms } = machine();
    alter(store, 'dukpt/0/register/05');
    expect(module.selfTest()).toBeUndefined();
    expect(alarms).toEqual(['wrong future-key registers: 5']);
    alter(store, 'dukpt/0/register/06');
    alter(store, 'dukpt/0/register/07');
    module.selfTest();
    expect(module.status()).toBe('tampered');
  });
});

describe('a module whose random source is bad', () => {
  it('is out of service from the start', async () => {
    const { module, alarms } = machine(constant);
    const request = { amountMinor: 1, currency: '826', exponent: 2 };
    expect([module.status(), module.fault()]).toEqual(['failed', 'the random source repeats one byte']);
    expect(alarms).toEqual(['out of service: the random source repeats one byte']);
    expect(module.takeMessageKey()).toBeUndefined();
    expect(module.nextKsn()).toBeUndefined();
    const answer = await module.offlinePlaintext(
      request,
      () => Promise.reject(new Error('the card must not be asked')),
      new AbortController().signal,
    );
    expect(answer).toEqual({ kind: 'unavailable' });
  });

  it('is out of service once it becomes bad', () => {
    const good = seededRandom(2);
    let isBad = false;
    const bytes = (length: number) => (isBad ? new Uint8Array(length) : good.bytes(length));
    const { module } = machine({ bytes, below: () => 0 });
    expect(module.status()).toBe('ready');
    isBad = true;
    module.random.bytes(16);
    expect(module.status()).toBe('failed');
  });
});
