import { describe, expect, it } from 'vitest';
import { Shop } from '../support/shop.ts';

const LIMIT = { burst: 1, everyMs: 600_000 };

describe('a terminal that has taken too many PINs', () => {
  it.each([
    { language: 'en', customer: 'No PIN now, try later', operator: 'Too many PINs, wait' },
    { language: 'zh', customer: '暂不能输入密码，请稍后再试', operator: '密码输入过于频繁，请等待' },
  ] as const)(
    'tells customer and operator in $language, and takes one later',
    async ({ language, customer, operator }) => {
      const shop = await Shop.open({ settings: (settings) => ({ ...settings, language, pinLimit: LIMIT }) });
      expect((await shop.sale({ keys: '1234E' }, { card: 'visa-credit' })).code).toBe('APPROVED_ONLINE');
      const refused = await shop.sale({ keys: '1234E' }, { card: 'visa-credit' });
      // The card's next method: what is wanted there is a signature.
      expect([refused.code, refused.record?.detail.cvm]).toEqual(['APPROVED_ONLINE', 'signature']);
      expect(shop.screens()).toContain(customer);
      const told = shop.events.flatMap((event) =>
        event.kind === 'screen' && event.target === 'operator' ? [event.lines] : [],
      );
      expect(told).toEqual([[operator, expect.stringMatching(/^5\d\d s$/)]]);
      const decisions = shop.events.flatMap((event) => (event.kind === 'decision' ? [event.reason] : []));
      expect(decisions).toContain('too many PINs were taken of late');
      await shop.clock.advance(LIMIT.everyMs);
      const later = await shop.sale({ keys: '1234E' }, { card: 'visa-credit' });
      expect(later.record?.detail.cvm).toBe('online-pin');
    },
  );

  it('still takes sales that need none', async () => {
    const shop = await Shop.open({ settings: (settings) => ({ ...settings, pinLimit: LIMIT }) });
    await shop.sale({ keys: '1234E' }, { card: 'visa-credit' });
    const tap = await shop.sale({ amountMinor: 850 }, { card: 'visa-contactless', by: 'tap' });
    expect(tap.code).toBe('APPROVED_OFFLINE');
  });

  it('costs no commit', async () => {
    const shop = await Shop.open();
    const before = shop.commits().length;
    await shop.sale({ keys: '1234E' }, { card: 'visa-credit' });
    expect(shop.commits().slice(before)).toEqual(['keys', 'request', 'result']);
  });
});
