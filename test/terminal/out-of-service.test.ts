import { describe, expect, it } from 'vitest';
import { Shop } from '../support/shop.ts';

/** Changes what is stored of a key slot, as nobody may. */
function alterSlot(shop: Shop, name: string): void {
  shop.terminal.context.journal.keyStore.atomically((write) => write.put(`slot/${name}`, new Uint8Array(60)));
}

describe('a terminal whose secure module failed', () => {
  it.each([
    { language: 'en', shown: 'Out of service, call service' },
    { language: 'zh', shown: '设备已停用，请联系维护' },
  ] as const)('takes no sale and says in $language why', async ({ language, shown }) => {
    const shop = await Shop.open({ settings: (settings) => ({ ...settings, language }) });
    expect((await shop.sale({ amountMinor: 850 }, { card: 'visa-contactless', by: 'tap' })).code).toBe(
      'APPROVED_OFFLINE',
    );
    alterSlot(shop, 'pins');
    // The daily self-test finds it.
    await shop.clock.advance(25 * 3_600_000);
    const refused = await shop.sale({ amountMinor: 850 }, { card: 'visa-contactless', by: 'tap' });
    expect([refused.code, refused.reason]).toEqual(['REFUSED', 'out of service: key slot pins was altered']);
    expect(shop.screens().at(-1)).toBe(shown);
    await expect(shop.settle()).rejects.toMatchObject({
      code: 'STATE',
      message: 'the terminal is out of service: key slot pins was altered',
    });
    expect((await shop.void(1)).reason).toBe('out of service: key slot pins was altered');
  });

  it('tests nothing any more once it is off', async () => {
    const shop = await Shop.open();
    alterSlot(shop, 'pins');
    shop.cut();
    const before = shop.events.length;
    await shop.clock.advance(25 * 3_600_000);
    expect(shop.events.length).toBe(before);
  });
});
