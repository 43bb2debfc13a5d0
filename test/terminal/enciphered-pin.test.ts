import { describe, expect, it } from 'vitest';
import { toHex } from '../../src/platform/bytes.ts';
import { Shop } from '../support/shop.ts';

const CARD = { card: 'debit-enciphered-pin' } as const;

/** VERIFY commands as the trace shows them. */
const verified = (shop: Shop) =>
  shop.events.flatMap((event) =>
    event.kind === 'apdu' && event.command[1] === 0x20 ? [toHex(event.command)] : [],
  );

describe('a PIN that travels enciphered', () => {
  it('is checked by the card; the host sees none, the trace neither', async () => {
    const shop = await Shop.open();
    const result = await shop.sale({ keys: '9999E1234E' }, CARD);
    expect(result).toMatchObject({ code: 'APPROVED_ONLINE', record: { entryMode: '052' } });
    expect(shop.slips()).toContain('PIN VERIFIED');
    expect(shop.devices.pinPad.prompts.map(({ purpose, hint }) => [purpose, hint])).toEqual([
      ['offline', undefined],
      ['offline', 'wrong-pin'],
    ]);
    expect(verified(shop)).toEqual(Array(2).fill(`0020008870${'FF'.repeat(112)}`));
  });

  it('is approved by the card alone below the limits', async () => {
    const shop = await Shop.open();
    const result = await shop.sale({ amountMinor: 1000, keys: '1234E' }, CARD);
    expect([result.code, shop.sent()]).toEqual(['APPROVED_OFFLINE', []]);
  });

  it('that is cancelled leaves no row and no command', async () => {
    const shop = await Shop.open();
    const result = await shop.sale({ keys: '12C' }, CARD);
    expect([result.code, shop.records(), verified(shop)]).toEqual(['CANCELLED', [], []]);
  });

  it('that is wrong three times is blocked, and the PIN for the host follows', async () => {
    const shop = await Shop.open();
    const result = await shop.sale({ keys: '9999E8888E7777E1234E' }, CARD);
    expect(shop.devices.pinPad.prompts.map(({ purpose }) => purpose)).toEqual([
      'offline',
      'offline',
      'offline',
      'online',
    ]);
    expect(result.record?.detail?.tvr?.slice(4, 6)).toBe('24');
  });

  it('goes with a card that leaves at the challenge nowhere', async () => {
    const shop = await Shop.open();
    const order = await Shop.open();
    await order.sale({ amountMinor: 1000, keys: '1234E' }, CARD);
    const commands = order.events.flatMap((event) => (event.kind === 'apdu' ? [event.command[1]] : []));
    shop.devices.reader.tearAt(commands.indexOf(0x84));
    const result = await shop.sale({ amountMinor: 1000, keys: '1234E' }, CARD);
    expect([result.code, verified(shop), shop.records()]).toEqual(['CARD_ERROR', [], []]);
  });
});
