import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../src/platform/bytes.ts';
import { seededRandom } from '../../src/platform/random.ts';
import { temporaryFolder } from '../support/folder.ts';
import { blockOf, CANARY } from './blocks.ts';
import { refusalOf } from './refusal.ts';
import { cutAtEachStatement, memoryVault } from './vault.ts';

interface Vector {
  readonly op: string;
  readonly ref?: string;
  readonly name: string;
  readonly keyBlock: string;
  readonly kcvTdesZero?: string;
}

const SAMPLES = (
  JSON.parse(readFileSync(join(import.meta.dirname, '../vectors/tr31.json'), 'utf8')) as { vectors: Vector[] }
).vectors.filter(({ op, name }) => op === 'unwrap' && /A\.7\.2|A\.7\.4/.test(name));

const OTHER_KBPK = fromHex('A1B2C3D4E5F60718293A4B5C6D7E8F90');

describe('a key block', () => {
  it.each(SAMPLES.map(({ name, keyBlock }) => [name, keyBlock] as const))(
    'of the standard, %s, is loaded as it stands there',
    (_name, block) => {
      const { secure } = memoryVault();
      const slot = secure.keys.loadBlock({ block: `${block}\r\n` });
      expect(slot).toMatchObject({
        name: 'pin-key',
        usage: 'P0',
        modeOfUse: 'E',
        origin: 'block',
        bits: 128,
      });
      expect(secure.keys.list()).toMatchObject([{ kcv: slot.kcv, intact: true }]);
    },
  );

  it('shows the check value of its key', () => {
    const { secure } = memoryVault();
    const tdes = secure.keys.loadBlock({ block: blockOf({}, '0123456789ABCDEFFEDCBA9876543210') });
    expect(tdes.kcv).toBe('08D7B4');
    const aes = { versionId: 'D', algorithm: 'A' } as const;
    const key = secure.keys.loadBlock({
      block: blockOf(aes, '3F419E1CB7079442AA37474C2EFBF8B8'),
      name: 'aes',
    });
    // X9.143:2021, clause 8.1.
    expect(key.kcv).toBe('08793E25AB');
    const hmac = blockOf({ versionId: 'D', algorithm: 'H', keyUsage: 'M7', modeOfUse: 'C' }, '0B'.repeat(20));
    expect(secure.keys.loadBlock({ block: hmac }).kcv).toBe('');
  });

  it.each([
    ['B', {}],
    ['D', { versionId: 'D', algorithm: 'A' }],
    ['A', { versionId: 'A' }],
    ['E', { versionId: 'E', algorithm: 'A' }],
  ] as const)(
    'of version %s with any one character changed is refused and nothing is loaded',
    (_version, header) => {
      const { secure, store } = memoryVault();
      const block = blockOf({ ...header }, CANARY, [['KS', '00604B120F9292800000']]);
      for (let at = 0; at < block.length; at++) {
        for (const mask of [0x01, 0x02, 0x04, 0x10, 0x20]) {
          const changed =
            block.slice(0, at) + String.fromCharCode(block.charCodeAt(at) ^ mask) + block.slice(at + 1);
          const refusal = refusalOf(() => secure.keys.loadBlock({ block: changed }));
          expect(['FORMAT', 'KEY']).toContain(refusal.code);
          expect(inspect(refusal).toUpperCase()).not.toContain(CANARY);
        }
      }
      expect(store.records.size).toBe(0);
    },
  );

  it.each(['shorter', 'longer'] as const)('that is %s than it says is refused', (how) => {
    const { secure, store } = memoryVault();
    const block = blockOf();
    for (let cut = 1; cut < block.length; cut++) {
      const changed = how === 'shorter' ? block.slice(0, -cut) : block + '0'.repeat(cut);
      expect(['FORMAT', 'KEY']).toContain(refusalOf(() => secure.keys.loadBlock({ block: changed })).code);
    }
    expect(store.records.size).toBe(0);
  });

  it.each([
    [
      'a base derivation key',
      { keyUsage: 'B0', modeOfUse: 'X' },
      /base derivation key .* never enters a terminal/,
    ],
    [
      'a base key variant key',
      { keyUsage: 'B2', modeOfUse: 'X' },
      /base derivation key .* never enters a terminal/,
    ],
    ['an initial key', { keyUsage: 'B1', modeOfUse: 'X' }, /kept in no slot/],
    [
      'a usage in a mode that is none of its',
      { modeOfUse: 'G' },
      /P0 \(PIN encryption\) does not go with mode G/,
    ],
    ['an HMAC key of another usage', { algorithm: 'H' }, /P0 .* has no keys of algorithm H/],
    ['an RSA key', { keyUsage: 'K2', algorithm: 'R', modeOfUse: 'D' }, /algorithm R have no slot/],
    ['a component', { keyVersionNumber: 'c1' }, /component .*, no whole key/],
  ] as const)('with %s is refused with the reason', (_what, header, reason) => {
    const { secure, store } = memoryVault();
    const refusal = refusalOf(() => secure.keys.loadBlock({ block: blockOf(header) }));
    expect([refusal.code, refusal.message]).toEqual(['KEY', expect.stringMatching(reason)]);
    expect(refusal.remedy).toMatch(/\w/);
    expect(store.records.size).toBe(0);
  });

  it('of any bytes at all is refused', () => {
    const { secure, store } = memoryVault();
    const random = seededRandom('key blocks');
    const sample = blockOf({}, CANARY, [['KS', '00604B120F9292800000']]);
    for (let i = 0; i < 2000; i++) {
      const noise = String.fromCharCode(...random.bytes(random.below(200)));
      const at = random.below(sample.length);
      // Noise alone, and noise in the middle of what was a block.
      for (const block of [noise, sample.slice(0, at) + noise + sample.slice(at + random.below(9))]) {
        if (block.trim() === sample) continue;
        expect(['FORMAT', 'KEY']).toContain(refusalOf(() => secure.keys.loadBlock({ block })).code);
      }
    }
    expect(store.records.size).toBe(0);
  });

  it('that states a check value is refused when its key has another', () => {
    const { secure } = memoryVault();
    const key = '0123456789ABCDEFFEDCBA9876543210';
    expect(secure.keys.loadBlock({ block: blockOf({}, key, [['KC', '0008D7B4']]) }).kcv).toBe('08D7B4');
    const refusal = refusalOf(() => secure.keys.loadBlock({ block: blockOf({}, key, [['KC', '0008D7B5']]) }));
    expect(refusal.message).toMatch(/states check value 08D7B5 .* has 08D7B4/);
  });

  it('replaces the key in its slot', () => {
    const { secure } = memoryVault();
    secure.keys.loadBlock({ block: blockOf({}, '0123456789ABCDEFFEDCBA9876543210') });
    const { kcv } = secure.keys.loadBlock({ block: blockOf() });
    expect(secure.keys.list()).toMatchObject([{ name: 'pin-key', kcv }]);
    expect(kcv).not.toBe('08D7B4');
  });

  it('is there whole or not at all, wherever the power fails', async () => {
    const old = blockOf({}, '0123456789ABCDEFFEDCBA9876543210');
    const seen = new Set<string>();
    const points = await cutAtEachStatement(
      temporaryFolder,
      ({ secure }) => void secure.keys.loadBlock({ block: old }),
      ({ secure }) => void secure.keys.loadBlock({ block: blockOf() }),
      ({ secure }, finished) => {
        const [slot] = secure.keys.list();
        expect(slot?.intact).toBe(true);
        seen.add(`${finished} ${slot?.kcv === '08D7B4' ? 'old' : 'new'}`);
      },
    );
    expect(points).toBeGreaterThan(3);
    expect([...seen].sort()).toEqual(['false old', 'true new']);
  });
});

describe('a key block protection key', () => {
  const KBPK = '000102030405060708090A0B0C0D0E0F';

  it.each([
    ['K1', 'T', 'ABC'],
    ['K1', 'A', 'D'],
    ['K4', 'A', 'DE'],
    ['K4', 'T', ''],
  ] as const)(
    'of usage %s and algorithm %s opens blocks of version %j and no other',
    (keyUsage, algorithm, versions) => {
      const { secure } = memoryVault();
      const versionId = algorithm === 'A' ? 'D' : 'B';
      secure.keys.loadBlock({
        block: blockOf({ keyUsage, algorithm, versionId, modeOfUse: 'B' }, KBPK),
        name: 'kbpk',
      });
      const opened = (['A', 'B', 'C', 'D', 'E'] as const).filter((version) => {
        const block = blockOf({ versionId: version }, CANARY, [], fromHex(KBPK));
        try {
          return secure.keys.loadBlock({ block, under: 'kbpk', marked: true }).under === 'kbpk';
        } catch (cause) {
          expect((cause as Error).message).toMatch(/protects no key block of version/);
          return false;
        }
      });
      expect(opened.join('')).toBe(versions);
    },
  );
});

describe('a key that may be a real one', () => {
  const foreign = blockOf({}, CANARY, [], OTHER_KBPK);
  const loadKbpk = () => {
    const { secure, store } = memoryVault();
    secure.keys.loadBlock({ block: blockOf({ keyUsage: 'K1', modeOfUse: 'B' }, toHex(OTHER_KBPK)) });
    return { secure, store };
  };

  it('is refused under a KBPK that is not public, and says which are', () => {
    const { secure } = memoryVault();
    const refusal = refusalOf(() => secure.keys.loadBlock({ block: foreign }));
    expect(refusal.message).toMatch(/not under a public test KBPK/);
  });

  it('is refused under a loaded KBPK, and taken and marked on the operator’s word', () => {
    const { secure, store } = loadKbpk();
    const refusal = refusalOf(() => secure.keys.loadBlock({ block: foreign, under: 'kbpk' }));
    expect(refusal.message).toBe('the key in the block is not known as a test key');
    expect(refusal.remedy).toContain('--i-know-these-are-test-keys');
    expect(store.records.size).toBe(1);
    expect(secure.keys.loadBlock({ block: foreign, under: 'kbpk', marked: true }).origin).toBe(
      'marked-by-flag',
    );
    expect(secure.keys.list().map(({ name, origin }) => `${name} ${origin}`)).toEqual([
      'kbpk block',
      'pin-key marked-by-flag',
    ]);
  });

  it('is none when it is a published value, whatever it came under', () => {
    const { secure } = loadKbpk();
    const published = blockOf({}, '0123456789ABCDEFFEDCBA9876543210', [], OTHER_KBPK);
    expect(secure.keys.loadBlock({ block: published, under: 'kbpk' }).origin).toBe('published');
  });
});
