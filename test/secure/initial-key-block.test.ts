import { describe, expect, it } from 'vitest';
import { initialKey } from '../../src/crypto/dukpt-tdes.ts';
import { fromHex, toHex } from '../../src/platform/bytes.ts';
import { temporaryFolder } from '../support/folder.ts';
import { blockOf, CANARY } from './blocks.ts';
import { refusalOf } from './refusal.ts';
import { cutAtEachStatement, memoryVault } from './vault.ts';

const TDES = { keyUsage: 'B1', modeOfUse: 'X' } as const;
const AES = { ...TDES, versionId: 'D', algorithm: 'A' } as const;
const KSN = 'FFFF9876543210E00000';
const ID = '1234567890123456';

describe('an initial key in a key block', () => {
  it('of TDES brings its KSN in optional block KS, with or without the bytes of the counter', () => {
    for (const ks of [KSN, KSN.slice(0, 16)]) {
      const { secure } = memoryVault();
      const loaded = secure.loadInitialKeyBlock({ block: blockOf(TDES, CANARY, [['KS', ks]]) });
      expect(loaded).toMatchObject({ scheme: 'TDES', bits: 128, origin: 'block' });
      expect(toHex(secure.nextKsn() as Uint8Array)).toBe('FFFF9876543210E00001');
    }
  });

  it('of AES brings its ID in optional block IK', () => {
    const { secure } = memoryVault();
    const block = blockOf(AES, CANARY + CANARY, [['IK', ID]]);
    expect(secure.loadInitialKeyBlock({ block })).toMatchObject({
      scheme: 'AES',
      bits: 256,
      origin: 'block',
    });
    expect(toHex(secure.nextKsn() as Uint8Array)).toBe(`${ID}00000001`);
  });

  it('takes the KSN that is stated when it carries none', () => {
    const { secure } = memoryVault();
    secure.loadInitialKeyBlock({ block: blockOf(TDES), ksn: fromHex(KSN) });
    expect(secure.status()).toBe('ready');
  });

  it.each([
    ['no KSN at all', blockOf(TDES), undefined, /carries no KSN/],
    [
      'another KSN than the stated one',
      blockOf(TDES, CANARY, [['KS', KSN]]),
      '00'.repeat(10),
      /not the one in the block/,
    ],
    [
      'a KSN of the other scheme',
      blockOf(AES, CANARY, [['KS', KSN]]),
      undefined,
      /not for a key of algorithm A/,
    ],
    ['a KSN that is none', blockOf(TDES, CANARY, [['KS', 'FFFF98']]), undefined, /KS holds no KSN/],
    ['another usage', blockOf(), KSN, /usage P0, a DUKPT initial key has B1/],
    ['a base derivation key', blockOf({ keyUsage: 'B0', modeOfUse: 'X' }), KSN, /never enters a terminal/],
    ['a key of single DES', blockOf(TDES, '0123456789ABCDEF'), KSN, /8 bytes does not go with a KSN of 10/],
  ])('with %s is refused and nothing is loaded', (_what, block, ksn, reason) => {
    const { secure, store } = memoryVault();
    const request = ksn === undefined ? { block } : { block, ksn: fromHex(ksn) };
    expect(refusalOf(() => secure.loadInitialKeyBlock(request)).message).toMatch(reason);
    expect(store.records.size).toBe(0);
    expect(secure.status()).toBe('unprovisioned');
  });

  it('replaces the registers of another device, and never comes a second time', () => {
    const { secure } = memoryVault();
    const block = blockOf(TDES, CANARY, [['KS', KSN]]);
    secure.loadInitialKeyBlock({ block });
    const other = '00604B120F9292800000';
    secure.loadInitialKeyBlock({ block: blockOf(TDES, CANARY, [['KS', other]]) });
    expect(toHex(secure.takeMessageKey()?.ksn as Uint8Array)).toBe('00604B120F9292800001');
    expect(refusalOf(() => secure.loadInitialKeyBlock({ block })).message).toMatch(
      /was loaded into this terminal before/,
    );
    expect(toHex(secure.nextKsn() as Uint8Array)).toBe('00604B120F9292800002');
  });

  it('is the old one or the new one, wherever the power fails', async () => {
    const other = initialKey(fromHex(CANARY), fromHex(KSN));
    const seen = new Set<string>();
    const points = await cutAtEachStatement(
      temporaryFolder,
      ({ secure }) => void secure.loadInitialKeyBlock({ block: blockOf(TDES, CANARY, [['KS', KSN]]) }),
      ({ secure }) => void secure.loadInitialKeyBlock({ block: blockOf(AES, toHex(other), [['IK', ID]]) }),
      ({ secure }, finished) => {
        seen.add(`${finished} ${secure.initialKey()?.scheme} ${toHex(secure.nextKsn() as Uint8Array)}`);
        expect(secure.status()).toBe('ready');
        for (let i = 0; i < 5; i++) expect(secure.takeMessageKey()).toBeDefined();
      },
    );
    expect(points).toBeGreaterThan(50);
    expect([...seen].sort()).toEqual([`false TDES FFFF9876543210E00001`, `true AES ${ID}00000001`]);
  });
});
