import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { bundleProgram } from '../../support/bundle.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { keyCanaries, pinCanaries } from './canaries.ts';
import { cardFile, openShop, randomPin, type Shop, startTerminal, type TerminalProcess } from './rig.ts';
import { type Canary, scanMemory } from './scan.ts';

/** What a PIN entry must have left behind no trace of, and how long it has for that. */
const SETTLED_MS = 1000;
const CARDS = ['visa-credit', 'debit-offline-pin', 'debit-enciphered-pin'] as const;
const TRANSACTIONS = 8;

let program = '';

async function open(
  mood = '',
  keys: 'loaded' | 'in-file' = 'loaded',
): Promise<[Shop, TerminalProcess, readonly Canary[]]> {
  const pins = new Map(CARDS.map((card) => [card as string, randomPin()]));
  const shop = await openShop(temporaryFolder(), pins, keys);
  const terminal = await startTerminal(program, shop, mood);
  onTestFinished(async () => {
    await terminal.close();
    await shop.close();
  });
  const canaries = [
    ...CARDS.flatMap((card) => pinCanaries(card, pins.get(card) ?? '', cardFile(card).pan)),
    ...keyCanaries(shop.initialKey, shop.ksn, TRANSACTIONS),
  ];
  return [shop, terminal, canaries];
}

function search(terminal: TerminalProcess, canaries: readonly Canary[]): readonly string[] {
  return terminal.still(() => [...scanMemory(terminal.pid, canaries).keys()]).sort();
}

/** One canary of each form, and how a program would leak it. */
function leaksOf(canaries: readonly Canary[]): readonly (readonly [form: string, Canary])[] {
  const named = (name: string) => {
    const canary = canaries.find((each) => each.name === name);
    if (canary === undefined) throw new Error(`there is no canary "${name}"`);
    return canary;
  };
  const digits = named('visa-credit digits');
  const text = named('visa-credit text');
  return [
    ['text', text],
    ['wide text', { ...named('visa-credit wide text'), bytes: text.bytes }],
    ['numbers', { ...named('visa-credit small integers'), bytes: digits.bytes }],
    ['doubles', { ...named('visa-credit floating point'), bytes: digits.bytes }],
    ['bytes', digits],
    ['bytes off the heap', named('visa-credit packed')],
    ['bytes', named('visa-credit block 0')],
    ['bytes off the heap', named('debit-offline-pin block 2')],
    ['bytes', named('visa-credit block 4')],
    ['bytes', named('transaction key 1 half 1')],
    ['bytes off the heap', named('pinKey 1 half 2 words')],
    ['bytes off the heap', named('pinKey 1 schedule 1')],
    ['bytes', named('macResponseKey 1 half 1 backwards')],
    ['bytes', named('register 21 half 1')],
    ['text', named('initial key half 1 text')],
  ];
}

if (process.platform === 'linux') {
  describe('one second after a PIN, the memory of the terminal', () => {
    beforeAll(async () => {
      program = await bundleProgram(join(import.meta.dirname, 'child.ts'), 'memory-terminal');
    });

    it('holds no digit, no clear block and no key of it, whoever verified it', async () => {
      const [shop, terminal, canaries] = await open();
      expect(await terminal.sale('visa-credit')).toMatch(/^APPROVED_ONLINE/);
      expect(await terminal.sale('debit-offline-pin')).toMatch(/^APPROVED_ONLINE/);
      expect(await terminal.sale('debit-enciphered-pin')).toMatch(/^APPROVED_ONLINE/);
      expect(await terminal.sale('visa-credit', 'cancel')).toMatch(/^CANCELLED/);
      await wait(SETTLED_MS);
      expect(search(terminal, canaries)).toEqual([]);

      shop.silence();
      await terminal.beginSale('visa-credit');
      await wait(SETTLED_MS);
      // The message's key, which checks the answer, and nothing that it was made from or came to.
      expect(search(terminal, canaries)).toEqual(['transaction key 4 half 1', 'transaction key 4 half 2']);

      const leaks = leaksOf(canaries);
      for (const [form, { bytes }] of leaks) await terminal.leak(form, bytes);
      expect(search(terminal, canaries)).toEqual(expect.arrayContaining(leaks.map(([, { name }]) => name)));
    });

    it('holds no key that was made from an initial key in the terminal file', async () => {
      const [, terminal, canaries] = await open('', 'in-file');
      expect(await terminal.sale('visa-credit')).toMatch(/^APPROVED_ONLINE/);
      await wait(SETTLED_MS);
      // The file itself is kept as settings.
      const made = canaries.filter(({ name }) => !name.startsWith('initial key'));
      expect(search(terminal, made)).toEqual([]);
    });

    it('would show what a terminal leaves that does not wipe', async () => {
      const [, terminal, canaries] = await open('careless');
      expect(await terminal.sale('visa-credit')).toMatch(/^APPROVED_ONLINE/);
      await wait(SETTLED_MS);
      expect(search(terminal, canaries)).toEqual(
        expect.arrayContaining([
          'visa-credit digits',
          'visa-credit block 0',
          'transaction key 1 half 1',
          'pinKey 1 half 1',
          'macRequestKey 1 half 1',
          'macResponseKey 1 half 1',
        ]),
      );
    });
  });
} else {
  it('cannot be read on this system: procfs gives no memory of other processes', () => {
    expect(existsSync('/proc/self/mem')).toBe(false);
  });
}
