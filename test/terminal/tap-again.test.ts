import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../src/platform/bytes.ts';
import { AID, SELECT_PPSE, select } from '../emv/support/card.ts';
import { contactlessFci, directory } from '../emv/support/tap.ts';
import { temporaryFolder } from '../support/folder.ts';
import { brokenBooks } from '../support/invariants.ts';
import { type Presentation, Shop } from '../support/shop.ts';

/** Taps that are torn, repeated, or not wanted (EMV Contactless Book B, section 3.2). */

const TAP: Presentation = { card: 'visa-contactless', by: 'tap' };
const GPO = 0xa8;

/** Data of each GET PROCESSING OPTIONS; its last four bytes are the unpredictable number. */
const numbers = (shop: Shop) =>
  shop.events.flatMap((event) =>
    event.kind === 'apdu' && event.command[1] === GPO ? [toHex(event.command.subarray(-5, -1))] : [],
  );

describe('a torn tap', () => {
  it.each([
    [0, 'before'],
    [1, 'before'],
    [2, 'before'],
    [2, 'after'],
    [3, 'before'],
    [4, 'after'],
  ] as const)(
    'at command %i, %s it: the same sale goes on with a new tap and a new number',
    async (apdu, when) => {
      const shop = await Shop.open();
      shop.devices.reader.tearAt(apdu, when);
      const result = await shop.sale({ amountMinor: 850 }, TAP, TAP);
      expect(result).toMatchObject({ code: 'APPROVED_OFFLINE', record: { invoice: 1 } });
      expect(shop.screens()).toContain('Present card again');
      expect(new Set(numbers(shop)).size).toBe(numbers(shop).length);
      expect(shop.records()).toHaveLength(1);
      await shop.settle();
      expect(brokenBooks(shop.terminal.context.journal, shop.host)).toEqual([]);
    },
  );

  it('of an online transaction asks the host once', async () => {
    const shop = await Shop.open();
    shop.devices.reader.tearAt(2, 'after');
    const result = await shop.sale({ keys: '1234E' }, TAP, TAP);
    expect([result.code, shop.sent()]).toEqual(['APPROVED_ONLINE', ['0200']]);
  });
});

describe('a card that stays, or comes back, after the approval', () => {
  it('is not read a second time', async () => {
    const shop = await Shop.open();
    const stay: Presentation = (s) => {
      s.devices.reader.tap(s.card('visa-contactless'));
      s.trace.subscribe((event) => {
        if (event.kind !== 'screen' || event.lines[0] !== 'Approved') return;
        s.devices.reader.remove();
        s.devices.reader.tap(s.card('visa-contactless'));
      });
    };
    expect((await shop.sale({ amountMinor: 850 }, stay)).code).toBe('APPROVED_OFFLINE');
    expect([numbers(shop).length, shop.records().length]).toEqual([1, 1]);
  });

  it('has to be taken away before it pays again', async () => {
    const shop = await Shop.open();
    await shop.sale({ amountMinor: 850 }, TAP);
    const { reader } = shop.devices;
    reader.tap(shop.card('visa-contactless'));
    shop.terminal.context.usedReaders.add(reader);
    const result = await shop.sale({ amountMinor: 850 }, TAP);
    expect(shop.screens()).toContain('Please remove card');
    expect([result.code, shop.records().length]).toEqual(['APPROVED_OFFLINE', 2]);
  });
});

describe('a card that cannot go on like this', () => {
  /** A recording that refuses GET PROCESSING OPTIONS. */
  function refusing(sw: string): Presentation {
    const path = join(temporaryFolder(), `${sw}.yaml`);
    writeFileSync(
      path,
      [
        'kind: replay',
        'interface: contactless',
        "ats: '0D78808102504F5353554D3031'",
        'exchanges:',
        `  - { command: '${SELECT_PPSE}00', response: '${directory(AID)}' }`,
        `  - { command: '${select(AID)}00', response: '${contactlessFci(AID)}' }`,
        `  - { command: '80A8**', response: '${sw}' }`,
      ].join('\n'),
    );
    return { card: path, by: 'tap' };
  }

  it.each([
    ['has its phone looked at', '6986', 'See phone for instructions', TAP, 'APPROVED_OFFLINE'],
    ['is inserted', '6984', 'Please insert card', { card: 'sda' }, 'APPROVED_OFFLINE'],
  ] as const)('%s (%s), and the sale goes on', async (_, sw, text, next, code) => {
    const shop = await Shop.open();
    const result = await shop.sale({ amountMinor: 850 }, refusing(sw), next);
    expect(shop.screens()).toContain(text);
    expect([result.code, shop.records().length]).toEqual([code, 1]);
  });
});
