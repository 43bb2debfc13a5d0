import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { fromHex, fromLatin1, latin1, toHex } from '../../src/platform/bytes.ts';
import { silentTrace, type TraceBody } from '../../src/platform/trace.ts';
import {
  isModeOf,
  KEY_OPERATIONS,
  KEY_USAGES,
  type KeyOperation,
  operationsOf,
} from '../../src/secure/key-usage.ts';
import type { Keys } from '../../src/secure/keys.ts';
import { blockOf, CANARY } from './blocks.ts';
import { refusalOf } from './refusal.ts';
import { memoryVault } from './vault.ts';

const DATA = fromHex('00112233445566778899AABBCCDDEEFF');
const IV = new Uint8Array(8);

/** Asks the slot for each thing that a key can do. */
const ASK: Readonly<Record<KeyOperation, (keys: Keys, slot: string) => unknown>> = {
  'encipher a PIN': (keys, slot) =>
    keys.encipherPin(slot, { format: 0, pin: Uint8Array.of(1, 2, 3, 4), pan: '4012345678909' }),
  'make a MAC': (keys, slot) => keys.makeMac(slot, DATA),
  'check a MAC': (keys, slot) => keys.checkMac(slot, DATA, new Uint8Array(8)),
  'encipher data': (keys, slot) => keys.encipher(slot, DATA, IV),
  'decipher data': (keys, slot) => keys.decipher(slot, DATA, IV),
  'unwrap a key': (keys, slot) => keys.replaceWorkingKeys(slot, []),
  'open a key block': (keys, slot) =>
    keys.loadBlock({
      block: blockOf({ versionId: slot === 'kbpk-iso20038' ? 'D' : 'B' }, CANARY, [], fromHex(CANARY)),
      name: 'opened',
      under: slot,
      marked: true,
    }),
  'close a key block': (keys, slot) => keys.exportBlock(slot, slot),
};

const ALLOWED: Readonly<Record<string, readonly KeyOperation[]>> = {
  'P0 E': ['encipher a PIN'],
  'P0 B': ['encipher a PIN'],
  'P0 N': ['encipher a PIN'],
  'P0 D': [],
  'D0 E': ['encipher data'],
  'D0 D': ['decipher data'],
  'D0 B': ['encipher data', 'decipher data'],
  'K0 D': ['unwrap a key'],
  'K0 E': [],
  'K1 D': ['open a key block'],
  'K1 E': ['close a key block'],
  'K1 B': ['open a key block', 'close a key block'],
  'M1 G': ['make a MAC'],
  'M3 V': ['check a MAC'],
  'M3 C': ['make a MAC', 'check a MAC'],
  'M2 C': [],
  'E0 X': [],
  'V2 C': [],
};

const MODES = [...'BCDEGNSTVXY'];
const LOADED = KEY_USAGES.filter((usage) => !['B0', 'B1', 'B2', 'M7'].includes(usage)).flatMap((usage) =>
  MODES.filter((mode) => isModeOf(usage, mode)).map((mode) => [usage, mode] as const),
);

describe('a key slot', () => {
  it.each(Object.entries(ALLOWED))('with %s does %j', (kind, operations) => {
    const [usage, mode] = kind.split(' ') as [string, string];
    expect(operationsOf(usage, mode)).toEqual(operations);
  });

  it.each(LOADED)('of usage %s in mode %s does what it is for and refuses all else', (usage, mode) => {
    const { secure } = memoryVault();
    // ISO 20038 knows AES alone.
    const kind = usage === 'K4' ? ({ versionId: 'D', algorithm: 'A' } as const) : {};
    const slot = secure.keys.loadBlock({
      block: blockOf({ ...kind, keyUsage: usage, modeOfUse: mode }),
    }).name;
    const allowed = operationsOf(usage, mode);
    for (const operation of KEY_OPERATIONS) {
      const ask = () => ASK[operation](secure.keys, slot);
      if (allowed.includes(operation)) expect(ask).not.toThrow();
      else {
        const refusal = refusalOf(ask);
        expect([refusal.code, refusal.where]).toEqual(['KEY', `key slot ${slot}`]);
        expect(refusal.message).toContain(`usage ${usage} `);
        expect(refusal.message).toContain(`asked to ${operation}`);
      }
    }
  });

  it('refuses a key of the right usage and another algorithm', () => {
    const { secure } = memoryVault();
    const aes = { versionId: 'D', algorithm: 'A' } as const;
    secure.keys.loadBlock({ block: blockOf(aes), name: 'aes-pin' });
    secure.keys.loadBlock({ block: blockOf({ ...aes, keyUsage: 'M3', modeOfUse: 'C' }), name: 'aes-mac' });
    expect(refusalOf(() => ASK['encipher a PIN'](secure.keys, 'aes-pin')).message).toMatch(/format 0/);
    expect(refusalOf(() => secure.keys.makeMac('aes-mac', DATA)).code).toBe('KEY');
    const fill = new Uint8Array(8);
    const pin = { format: 4, pin: Uint8Array.of(1, 2, 3, 4), pan: '4012345678909', fill } as const;
    expect(secure.keys.encipherPin('aes-pin', pin)).toHaveLength(16);
  });

  it('makes the MAC of its usage, and takes it cut to four bytes and no shorter', () => {
    const { secure } = memoryVault();
    const key = '0123456789ABCDEFFEDCBA9876543210';
    secure.keys.loadBlock({ block: blockOf({ keyUsage: 'M3', modeOfUse: 'C' }, key), name: 'mac' });
    const text = latin1('Now is the time for all ');
    const mac = secure.keys.makeMac('mac', text);
    expect(toHex(mac)).toBe('A1C72E74EA3FA9B6');
    expect([8, 4].map((length) => secure.keys.checkMac('mac', text, mac.subarray(0, length)))).toEqual([
      true,
      true,
    ]);
    expect(secure.keys.checkMac('mac', text, mac.subarray(0, 3))).toBe(false);
    expect(secure.keys.checkMac('mac', latin1('Now is the time for ALL '), mac)).toBe(false);
  });

  it('makes the MAC of UnionPay terminals, CMAC and HMAC', () => {
    const { secure } = memoryVault();
    const load = (header: object, key: string, name: string) =>
      secure.keys.loadBlock({ block: blockOf({ modeOfUse: 'C', ...header }, key), name });
    load({ keyUsage: '10' }, 'C24A8FB57AA20123', 'union');
    // One block of data whose exclusive or is the published R.
    expect(fromLatin1(secure.keys.makeMac('union', fromHex('B47632C03B7FAC3C')))).toBe('ADD96816');
    load({ keyUsage: 'M6', versionId: 'D', algorithm: 'A' }, '2B7E151628AED2A6ABF7158809CF4F3C', 'cmac');
    expect(toHex(secure.keys.makeMac('cmac', new Uint8Array(0)))).toBe('BB1D6929E95937287FA37D129B756746');
    load({ keyUsage: 'M7', versionId: 'D', algorithm: 'H' }, '0B'.repeat(20), 'hmac');
    expect(toHex(secure.keys.makeMac('hmac', latin1('Hi There')))).toBe(
      'B0344C61D8DB38535CA8AFCEAF0BF12B881DC200C9833DA726E9376C2E32CFF7',
    );
  });

  it('enciphers and deciphers data', () => {
    const { secure } = memoryVault();
    secure.keys.loadBlock({ block: blockOf({ keyUsage: 'D0', modeOfUse: 'B' }) });
    const enciphered = secure.keys.encipher('data-key', DATA, IV);
    expect(toHex(enciphered)).not.toBe(toHex(DATA));
    expect(toHex(secure.keys.decipher('data-key', enciphered, IV))).toBe(toHex(DATA));
  });

  it('keeps its purpose: a key with another usage does not replace its key', () => {
    const { secure } = memoryVault();
    secure.keys.loadBlock({ block: blockOf({}, '0123456789ABCDEFFEDCBA9876543210'), name: 'one' });
    secure.keys.loadBlock({ block: blockOf(), name: 'one' });
    const refusal = refusalOf(() =>
      secure.keys.loadBlock({ block: blockOf({ keyUsage: 'D0', modeOfUse: 'B' }), name: 'one' }),
    );
    expect(refusal.message).toContain('holds a key with usage P0 (PIN encryption)');
    expect(secure.keys.list()).toMatchObject([{ name: 'one', usage: 'P0' }]);
  });

  it.each(['', 'Pin', 'pin key', '../pin', 'x'.repeat(33)])('has no name like %j', (name) => {
    const { secure } = memoryVault();
    expect(refusalOf(() => secure.keys.loadBlock({ block: blockOf(), name })).code).toBe('USAGE');
  });

  it('that is empty says so', () => {
    expect(refusalOf(() => memoryVault().secure.keys.makeMac('mac-key', DATA)).message).toBe(
      'the slot is empty',
    );
  });
});

describe('the record of a slot', () => {
  it('does not open after any of its bytes was changed', () => {
    const { secure, store } = memoryVault();
    secure.keys.loadBlock({ block: blockOf() });
    const record = store.records.get('slot/pin-key') as Uint8Array;
    for (let at = 0; at < record.length; at++) {
      const changed = record.slice();
      changed[at] = (changed[at] as number) ^ 1;
      store.records.set('slot/pin-key', changed);
      expect(refusalOf(() => ASK['encipher a PIN'](secure.keys, 'pin-key')).code).toBe('KEY');
      expect(secure.keys.list()[0]?.intact).toBe(false);
    }
  });

  it('does not open when its attributes were exchanged for those of another key', () => {
    const { secure, store } = memoryVault();
    secure.keys.loadBlock({ block: blockOf({ exportability: 'N' }) });
    const record = store.records.get('slot/pin-key') as Uint8Array;
    const text = fromLatin1(record).replace('"exportability":"N"', '"exportability":"E"');
    store.records.set('slot/pin-key', latin1(text));
    expect(text).not.toBe(fromLatin1(record));
    expect(refusalOf(() => ASK['encipher a PIN'](secure.keys, 'pin-key')).message).toMatch(/altered/);
  });

  it('does not open in another slot', () => {
    const { secure, store } = memoryVault();
    secure.keys.loadBlock({ block: blockOf() });
    store.records.set('slot/other', store.records.get('slot/pin-key') as Uint8Array);
    expect(refusalOf(() => ASK['encipher a PIN'](secure.keys, 'other')).message).toMatch(/altered/);
  });
});

describe('a key in a slot', () => {
  it('leaves as a key block under a KBPK, when it may be exported', () => {
    const { secure } = memoryVault();
    const kbpk = '000102030405060708090A0B0C0D0E0F';
    secure.keys.loadBlock({
      block: blockOf({ versionId: 'D', algorithm: 'A', keyUsage: 'K1', modeOfUse: 'B' }, kbpk),
    });
    const sent = secure.keys.loadBlock({ block: blockOf() });
    const block = secure.keys.exportBlock('pin-key', 'kbpk');
    expect(block).toMatch(/^D\d{4}P0TE00E0000/);
    const other = memoryVault().secure;
    other.keys.loadBlock({
      block: blockOf({ versionId: 'D', algorithm: 'A', keyUsage: 'K1', modeOfUse: 'B' }, kbpk),
    });
    const received = other.keys.loadBlock({ block, under: 'kbpk', marked: true });
    expect(received).toMatchObject({ kcv: sent.kcv, origin: 'marked-by-flag', under: 'kbpk' });
  });

  it('stays when it must not be exported', () => {
    const { secure } = memoryVault();
    secure.keys.loadBlock({ block: blockOf({ keyUsage: 'K1', modeOfUse: 'B' }) });
    secure.keys.loadBlock({ block: blockOf({ exportability: 'N' }) });
    expect(refusalOf(() => secure.keys.exportBlock('pin-key', 'kbpk')).message).toMatch(
      /must not be exported/,
    );
  });

  it('is not in a listing, an error, the trace, JSON or the store', () => {
    const events: TraceBody[] = [];
    const trace = { ...silentTrace, wants: () => true, emit: (event: TraceBody) => void events.push(event) };
    const { secure, store } = memoryVault(trace);
    secure.keys.loadBlock({ block: blockOf() });
    secure.keys.loadBlock({ block: blockOf({ keyUsage: 'K1', modeOfUse: 'B' }) });
    ASK['encipher a PIN'](secure.keys, 'pin-key');
    secure.keys.exportBlock('pin-key', 'kbpk');
    const errors = KEY_OPERATIONS.flatMap((operation) => {
      try {
        ASK[operation](secure.keys, 'pin-key');
        return [];
      } catch (cause) {
        return [inspect(cause, { depth: 9 })];
      }
    });
    expect(errors.length).toBeGreaterThan(5);
    const everything = [
      inspect([secure, secure.keys, secure.keys.list()], { depth: 12, showHidden: true }),
      JSON.stringify([secure, secure.keys.list(), events]),
      ...errors,
      ...[...store.records.values()].map((value) => `${toHex(value)}${fromLatin1(value)}`),
    ].join('\n');
    expect(events.map((event) => event.kind === 'key' && event.use)).toContain('encipher a PIN');
    expect(everything).toContain('pin-key');
    expect(everything.toUpperCase()).not.toContain(CANARY);
    expect(everything).not.toContain(fromLatin1(fromHex(CANARY)));
    expect(everything.replace(/[^0-9]+/g, ' ')).not.toContain([...fromHex(CANARY)].join(' '));
  });
});
