import { describe, expect, it } from 'vitest';
import { combineComponents } from '../../src/crypto/kcv.ts';
import { fromHex } from '../../src/platform/bytes.ts';
import { checkValueOf } from '../../src/secure/check-value.ts';
import type { ComponentRequest } from '../../src/secure/components.ts';
import { temporaryFolder } from '../support/folder.ts';
import { refusalOf } from './refusal.ts';
import { cutAtEachStatement, memoryVault } from './vault.ts';

const FIRST = '1F2E3D4C5B6A798801234567AB98DCFE';
const SECOND = 'F0E1D2C3B4A5968776543210CDFE89BA';
const THIRD = '0102040810204080A1B2C3D4E5F60718';
const TMK = '11111111111111112222222222222222';
const kcv = (hex: string, algorithm = 'T') => checkValueOf(algorithm, fromHex(hex));
const xor = (...parts: readonly string[]) =>
  Buffer.from(combineComponents(parts.map(fromHex)))
    .toString('hex')
    .toUpperCase();
/** With these the key becomes the published TMK. */
const LAST_OF_TWO = xor(FIRST, TMK);
const LAST_OF_THREE = xor(FIRST, SECOND, TMK);

const REQUEST: ComponentRequest = {
  name: 'master-key',
  usage: 'K0',
  algorithm: 'T',
  modeOfUse: 'D',
  exportability: 'N',
  marked: false,
};

function begun(request: Partial<ComponentRequest> = {}) {
  const { secure, store } = memoryVault();
  const ceremony = secure.keys.beginComponents({ ...REQUEST, ...request });
  const add = (holder: string, hex: string, check: string = kcv(hex, request.algorithm)) =>
    ceremony.add(holder, fromHex(hex), check);
  return { secure, store, ceremony, add };
}

describe('a key in clear components', () => {
  it('of two holders is their exclusive or, confirmed by its check value', () => {
    const { secure, ceremony, add } = begun();
    add('Alice', FIRST);
    add('Bob', LAST_OF_TWO);
    expect(ceremony.finish('D2B91CC5')).toMatchObject({
      name: 'master-key',
      kcv: 'D2B91C',
      origin: 'components',
    });
    expect(secure.keys.list()).toMatchObject([{ usage: 'K0', modeOfUse: 'D', intact: true }]);
  });

  it('of three holders as well', () => {
    const { ceremony, add } = begun();
    add('Alice', FIRST);
    add('Bob', SECOND);
    add('Carol', LAST_OF_THREE);
    expect(ceremony.finish('d2 b9 1c').kcv).toBe('D2B91C');
  });

  it('of AES, by either kind of check value', () => {
    const { ceremony, add } = begun({ algorithm: 'A', usage: 'K1', modeOfUse: 'B', marked: true });
    add('Alice', FIRST);
    ceremony.add('Bob', fromHex(SECOND), kcv(SECOND, 'A'));
    expect(ceremony.finish(kcv(xor(FIRST, SECOND), 'A')).origin).toBe('marked-by-flag');
  });

  it.each([
    ['one holder gives two', () => ['ALICE ', LAST_OF_TWO, kcv(LAST_OF_TWO)], /gave a component already/],
    ['a component is given without a name', () => [' ', SECOND, kcv(SECOND)], /without the name/],
    ['its check value is wrong', () => ['Bob', SECOND, kcv(FIRST)], /not that of this component/],
    [
      'its check value has one byte',
      () => ['Bob', SECOND, kcv(SECOND).slice(0, 2)],
      /not that of this component/,
    ],
    ['its check value is empty', () => ['Bob', SECOND, ''], /not that of this component/],
    ['it is the same again', () => ['Bob', FIRST, kcv(FIRST)], /same component/],
    ['it is all zeros', () => ['Bob', '00'.repeat(16), kcv('00'.repeat(16))], /zeros/],
    ['it has another length', () => ['Bob', `${SECOND}1122334455667788`, 'FFFFFF'], /differ in length/],
    ['it has a length that no key has', () => ['Bob', 'AABB', 'FFFFFF'], /2 bytes/],
  ] as const)('is over and wiped when %s', (_what, second, reason) => {
    const { ceremony, add, store } = begun();
    add('Alice', FIRST);
    const [holder, hex, check] = second() as [string, string, string];
    expect(refusalOf(() => add(holder, hex, check)).describe()).toMatch(reason);
    expect(refusalOf(() => add('Carol', THIRD)).message).toMatch(/is over/);
    expect(refusalOf(() => ceremony.finish('D2B91C')).code).toBe('STATE');
    expect(store.records.size).toBe(0);
  });

  it('is over after a fourth component', () => {
    const { add } = begun();
    add('Alice', FIRST);
    add('Bob', SECOND);
    add('Carol', THIRD);
    expect(refusalOf(() => add('Dave', LAST_OF_TWO)).message).toMatch(/3 components at most/);
  });

  it('is not made by one person', () => {
    const { ceremony, add, store } = begun();
    add('Alice', TMK);
    expect(refusalOf(() => ceremony.finish('D2B91C')).message).toMatch(/not of 1/);
    expect(store.records.size).toBe(0);
  });

  it.each([
    ['D2B91D', /not that of the key/],
    ['', /not that of the key/],
  ])('is not kept when its check value is said to be %j', (stated, reason) => {
    const { ceremony, add, store } = begun();
    add('Alice', FIRST);
    add('Bob', LAST_OF_TWO);
    expect(refusalOf(() => ceremony.finish(stated)).message).toMatch(reason);
    expect(store.records.size).toBe(0);
  });

  it('is not kept when nobody published it, unless the operator gives his word', () => {
    const unknown = xor(FIRST, SECOND);
    const first = begun();
    first.add('Alice', FIRST);
    first.add('Bob', SECOND);
    expect(refusalOf(() => first.ceremony.finish(kcv(unknown))).message).toMatch(/not known as a test key/);
    expect(first.store.records.size).toBe(0);
    const second = begun({ marked: true });
    second.add('Alice', FIRST);
    second.add('Bob', SECOND);
    expect(second.ceremony.finish(kcv(unknown)).origin).toBe('marked-by-flag');
  });

  it('is not kept when it comes to a single DES key', () => {
    const weak = '0123456789ABCDEF0123456789ABCDEF';
    const { ceremony, add } = begun({ marked: true });
    add('Alice', FIRST);
    add('Bob', xor(FIRST, weak));
    expect(refusalOf(() => ceremony.finish(kcv(weak))).message).toMatch(/halves are equal/);
  });

  it('wipes the bytes that it is given', () => {
    const { ceremony } = begun();
    const component = fromHex(FIRST);
    ceremony.add('Alice', component, kcv(FIRST));
    expect(component.every((byte) => byte === 0)).toBe(true);
  });

  it.each([
    ['a base derivation key', { usage: 'B0', modeOfUse: 'X' }],
    ['an initial key', { usage: 'B1', modeOfUse: 'X' }],
    ['an HMAC key', { usage: 'M7', modeOfUse: 'C', algorithm: 'H' }],
    ['a usage in a wrong mode', { usage: 'P0', modeOfUse: 'G' }],
  ])('is no %s', (_what, request) => {
    expect(refusalOf(() => begun(request)).code).toBe('KEY');
  });

  it('is there whole or not at all, wherever the power fails', async () => {
    const seen = new Set<string>();
    await cutAtEachStatement(
      temporaryFolder,
      () => {},
      ({ secure }) => {
        const ceremony = secure.keys.beginComponents(REQUEST);
        ceremony.add('Alice', fromHex(FIRST), kcv(FIRST));
        ceremony.add('Bob', fromHex(LAST_OF_TWO), kcv(LAST_OF_TWO));
        ceremony.finish('D2B91C');
      },
      ({ secure }, finished) => seen.add(`${finished} ${secure.keys.list().map((slot) => slot.kcv)}`),
    );
    expect([...seen].sort()).toEqual(['false ', 'true D2B91C']);
  });
});
