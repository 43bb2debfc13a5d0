import { describe, expect, it } from 'vitest';
import { brokenBooks, brokenPromises } from '../support/invariants.ts';
import { type Presentation, Shop } from '../support/shop.ts';

/** Commands of an undisturbed sale. */
async function commandsOf(
  purchase: { amountMinor: number; keys?: string },
  card: Presentation,
): Promise<number> {
  const shop = await Shop.open();
  await shop.sale(purchase, card);
  return shop.events.filter(({ kind }) => kind === 'apdu').length;
}

const SALES = [
  ['chip and PIN', { amountMinor: 12_000, keys: '1234E' }, { card: 'visa-credit' }],
  ['a chip with CDA', { amountMinor: 12_000, keys: '1234E' }, { card: 'mastercard-cda' }],
  ['an offline PIN', { amountMinor: 12_000, keys: '1234E' }, { card: 'debit-offline-pin' }],
  ['a tap', { amountMinor: 850 }, { card: 'visa-contactless', by: 'tap' }],
  ['an online tap', { amountMinor: 12_000, keys: '1234E' }, { card: 'visa-contactless', by: 'tap' }],
] as const;

describe.each(SALES)('%s, torn', (_, purchase, card) => {
  it.each(['before', 'after'] as const)(
    '%s each command: approved only with a row, and the books agree',
    async (when) => {
      const commands = await commandsOf(purchase, card);
      expect(commands).toBeGreaterThan(2);
      const codes: string[] = [];
      for (let apdu = 0; apdu < commands; apdu++) {
        const shop = await Shop.open();
        shop.devices.reader.tearAt(apdu, when);
        const result = await shop.sale(purchase, card);
        codes.push(result.code);
        if (/APPROVED/.test(result.code)) expect(result.record?.state).toBe('APPROVED');
        else expect(shop.records().filter(({ state }) => state === 'APPROVED')).toEqual([]);
        await shop.settle();
        const { journal } = shop.terminal.context;
        expect([apdu, brokenBooks(journal, shop.host)]).toEqual([apdu, []]);
        expect([apdu, brokenPromises(journal, shop.told())]).toEqual([apdu, []]);
      }
      expect(codes.filter((code) => /APPROVED/.test(code))).toEqual([]);
    },
  );
});

describe('a card that is pulled after the host approved', () => {
  it('has its approval reversed, at once', async () => {
    const shop = await Shop.open();
    const commands = await commandsOf({ amountMinor: 12_000, keys: '1234E' }, { card: 'visa-credit' });
    shop.devices.reader.tearAt(commands - 1);
    const result = await shop.sale({ keys: '1234E' }, { card: 'visa-credit' });
    expect(result).toMatchObject({ code: 'REVERSED', record: { state: 'REVERSED' } });
    expect(shop.sent()).toEqual(['0200', '0400']);
    expect(shop.slips()).toContain('NOT APPROVED, REVERSED');
    expect(shop.slips()).not.toContain('MERCHANT COPY');
  });
});
