import { describe, expect, it } from 'vitest';
import { tdesEncrypt } from '../../src/crypto/des.ts';
import { concat, fromHex } from '../../src/platform/bytes.ts';
import { type WrappedWorkingKey, workingKeysOfSignOn } from '../../src/secure/working-keys.ts';
import { temporaryFolder } from '../support/folder.ts';
import { blockOf } from './blocks.ts';
import { refusalOf } from './refusal.ts';
import { cutAtEachStatement, memoryVault } from './vault.ts';

const TMK = 'CA5D92598DCA48CE8A4C76361A9269E9';
const MASTER = blockOf({ keyUsage: 'K0', modeOfUse: 'D' }, TMK);
/** The published set under this TMK. */
const PUBLISHED: readonly WrappedWorkingKey[] = [
  { kind: 'pin', cryptogram: fromHex('6701EAD6A9AD51E51AA406E2C27FCFA9'), checkValue: fromHex('8D0A74B8') },
  { kind: 'mac', cryptogram: fromHex('B651F9E9BACE9AE1'), checkValue: fromHex('AB7153CA') },
];

/** A set as a host makes it. */
function wrapped(keys: Readonly<Partial<Record<WrappedWorkingKey['kind'], string>>>): WrappedWorkingKey[] {
  return Object.entries(keys).map(([kind, hex]) => ({
    kind: kind as WrappedWorkingKey['kind'],
    cryptogram: tdesEncrypt(fromHex(TMK), fromHex(hex)),
    checkValue: tdesEncrypt(fromHex(hex), new Uint8Array(8)).slice(0, 4),
  }));
}

const OTHERS = wrapped({
  pin: '0123456789ABCDEFFEDCBA9876543210',
  mac: '133457799BBCDFF1',
  data: '89ABCDEF0123456776543210FEDCBA98',
});

function signedOn() {
  const made = memoryVault();
  made.secure.keys.loadBlock({ block: MASTER });
  expect(made.secure.keys.replaceWorkingKeys('master-key', PUBLISHED).kind).toBe('replaced');
  return made;
}

const shown = ({ secure }: Pick<ReturnType<typeof memoryVault>, 'secure'>) =>
  secure.keys
    .list()
    .filter(({ name }) => name !== 'master-key')
    .map(({ name, kcv }) => `${name} ${kcv}`);

const OLD = ['mac-key AB7153', 'pin-key 8D0A74'];
const NEW = ['data-key EB7A8D', 'mac-key 948A43', 'pin-key 08D7B4'];

describe('working keys under a master key', () => {
  it('are the published ones', () => {
    const made = signedOn();
    expect(shown(made)).toEqual(OLD);
    expect(made.secure.keys.list()[0]).toMatchObject({
      origin: 'under-master',
      under: 'master-key',
      usage: '10',
    });
  });

  it('replace the set before, and leave nothing of it', () => {
    const made = signedOn();
    made.secure.keys.replaceWorkingKeys('master-key', OTHERS);
    expect(shown(made)).toEqual(NEW);
    made.secure.keys.replaceWorkingKeys('master-key', PUBLISHED);
    expect(shown(made)).toEqual(OLD);
  });

  it.each([0, 1, 2])('stay the old ones when check value %i of the new set is wrong', (index) => {
    const made = signedOn();
    const set = OTHERS.map((key, i) =>
      i === index ? { ...key, checkValue: key.checkValue.map((byte) => byte ^ 1) } : key,
    );
    expect(made.secure.keys.replaceWorkingKeys('master-key', set)).toEqual({
      kind: 'refused',
      key: (OTHERS[index] as WrappedWorkingKey).kind,
      reason: 'its check value is wrong',
    });
    expect(shown(made)).toEqual(OLD);
  });

  it.each([
    ['of a wrong length', { cryptogram: new Uint8Array(12) }],
    ['without a check value', { checkValue: new Uint8Array(0) }],
  ])('are refused %s', (_what, change) => {
    const made = signedOn();
    const set = [...OTHERS.slice(0, 1), { ...(OTHERS[1] as WrappedWorkingKey), ...change }];
    expect(made.secure.keys.replaceWorkingKeys('master-key', set)).toMatchObject({
      kind: 'refused',
      key: 'mac',
    });
    expect(shown(made)).toEqual(OLD);
  });

  it('are refused when one comes twice', () => {
    const made = signedOn();
    const set = [...OTHERS, ...OTHERS.slice(0, 1)];
    expect(made.secure.keys.replaceWorkingKeys('master-key', set)).toMatchObject({
      kind: 'refused',
      key: 'pin',
    });
  });

  it('are dropped when the terminal signs off', () => {
    const made = signedOn();
    made.secure.keys.dropWorkingKeys();
    expect(shown(made)).toEqual([]);
  });

  it('need a TDES master key that unwraps keys', () => {
    const { secure } = memoryVault();
    const replace = (slot: string) => refusalOf(() => secure.keys.replaceWorkingKeys(slot, OTHERS));
    expect(replace('master-key').message).toBe('the slot is empty');
    secure.keys.loadBlock({ block: blockOf({ keyUsage: 'K0', modeOfUse: 'E' }), name: 'sender' });
    expect(replace('sender').message).toMatch(/asked to unwrap a key/);
    const aes = { versionId: 'D', algorithm: 'A', keyUsage: 'K0', modeOfUse: 'D' } as const;
    secure.keys.loadBlock({ block: blockOf(aes), name: 'aes' });
    expect(replace('aes').message).toMatch(/algorithm A unwraps no working keys/);
  });

  it('are marked when their master key is', () => {
    const { secure } = memoryVault();
    const kbpk = '000102030405060708090A0B0C0D0E0F';
    secure.keys.loadBlock({ block: blockOf({ keyUsage: 'K1', modeOfUse: 'B' }, kbpk) });
    const master = 'A1B2C3D4E5F60718293A4B5C6D7E8F90';
    const block = blockOf({ keyUsage: 'K0', modeOfUse: 'D' }, master, [], fromHex(kbpk));
    secure.keys.loadBlock({ block, under: 'kbpk', marked: true });
    const key = fromHex('0123456789ABCDEFFEDCBA9876543210');
    const checkValue = tdesEncrypt(key, new Uint8Array(8)).slice(0, 4);
    const cryptogram = tdesEncrypt(fromHex(master), key);
    expect(
      secure.keys.replaceWorkingKeys('master-key', [{ kind: 'pin', cryptogram, checkValue }]),
    ).toMatchObject({
      slots: [{ origin: 'marked-by-flag' }],
    });
  });

  it('are the old set or the new set, wherever the power fails', async () => {
    const seen = new Set<string>();
    const points = await cutAtEachStatement(
      temporaryFolder,
      ({ secure }) => {
        secure.keys.loadBlock({ block: MASTER });
        secure.keys.replaceWorkingKeys('master-key', PUBLISHED);
      },
      ({ secure }) => void secure.keys.replaceWorkingKeys('master-key', OTHERS),
      (vault, finished) => seen.add(`${finished} ${shown(vault).join()}`),
    );
    expect(points).toBeGreaterThan(8);
    expect([...seen].sort()).toEqual([`false ${OLD.join()}`, `true ${NEW.join()}`]);
  });
});

describe('the answer of a sign-on', () => {
  const part = (length: number, fill: number) => new Uint8Array(length).fill(fill);

  it.each([
    [24, [8, 8]],
    [40, [16, 8]],
    [56, [24, 24]],
    [60, [16, 8, 16]],
    [84, [24, 24, 24]],
  ])('of %i bytes has keys of %j', (length, lengths) => {
    const keys = workingKeysOfSignOn(new Uint8Array(length));
    expect(keys?.map(({ cryptogram }) => cryptogram.length)).toEqual(lengths);
    expect(keys?.map(({ kind }) => kind)).toEqual(['pin', 'mac', 'data'].slice(0, lengths.length));
  });

  it('is taken apart: a MAC key fills half of its place', () => {
    const field = concat(
      part(16, 1),
      part(4, 2),
      part(8, 3),
      part(8, 0),
      part(4, 4),
      part(16, 5),
      part(4, 6),
    );
    expect(workingKeysOfSignOn(field)).toEqual([
      { kind: 'pin', cryptogram: part(16, 1), checkValue: part(4, 2) },
      { kind: 'mac', cryptogram: part(8, 3), checkValue: part(4, 4) },
      { kind: 'data', cryptogram: part(16, 5), checkValue: part(4, 6) },
    ]);
  });

  it('has no other length', () => {
    const lengths = Array.from({ length: 100 }, (_, length) => length);
    expect(lengths.filter((length) => workingKeysOfSignOn(new Uint8Array(length)) !== undefined)).toEqual([
      24, 40, 56, 60, 84,
    ]);
  });
});
