import { describe, expect, it } from 'vitest';
import { brokenBooks } from '../support/invariants.ts';
import { Shop } from '../support/shop.ts';

const CHIP = { card: 'visa-credit' } as const;
const TAP = { card: 'visa-contactless', by: 'tap' } as const;

async function settled(shop: Shop): Promise<readonly string[]> {
  expect(await shop.settle()).toMatchObject({ kind: 'settled' });
  return brokenBooks(shop.terminal.context.journal, shop.host);
}

describe('a refund', () => {
  it('is given online and stands apart in the totals', async () => {
    const shop = await Shop.open();
    await shop.sale({ amountMinor: 5000, keys: '1234E' }, CHIP);
    const result = await shop.refund({ amountMinor: 2000, keys: '1234E' }, CHIP);
    expect(result).toMatchObject({ code: 'APPROVED_ONLINE', record: { kind: 'refund' } });
    expect(await settled(shop)).toEqual([]);
    expect(shop.terminal.context.journal.batches.find(1)?.slip?.totals).toEqual({
      salesCount: 1,
      salesMinor: 5000,
      refundsCount: 1,
      refundsMinor: 2000,
    });
  });

  it.each([
    ['chip', CHIP],
    ['tap', TAP],
    ['stripe', { card: 'stripe-only', by: 'swipe' }],
  ] as const)('by %s is never given without the host', async (_, card) => {
    const shop = await Shop.open({
      // Codes that would let a card approve when the host cannot be reached.
      settings: (settings) => ({
        ...settings,
        emv: {
          ...settings.emv,
          aids: settings.emv.aids.map((aid) => ({ ...aid, tac: { ...aid.tac, default: new Uint8Array(5) } })),
        },
      }),
    });
    shop.line.up = false;
    const result = await shop.refund({ amountMinor: 500, keys: '1234E' }, card);
    expect(result.code).toBe('DECLINED_OFFLINE');
    expect(shop.records()).toEqual([]);
  });
});

describe('a void', () => {
  it('takes a sale out of both books', async () => {
    const shop = await Shop.open();
    const sale = await shop.sale({ keys: '1234E' }, CHIP);
    const result = await shop.void(sale.record?.invoice ?? 0);
    expect(result).toMatchObject({ code: 'APPROVED_ONLINE', record: { kind: 'void', amountMinor: 12_000 } });
    expect(shop.records()[0]?.voidedBy).toBe(result.record?.id);
    expect(await settled(shop)).toEqual([]);
  });

  it('of a refund puts the money back', async () => {
    const shop = await Shop.open();
    const refund = await shop.refund({ amountMinor: 500, keys: '1234E' }, CHIP);
    expect((await shop.void(refund.record?.invoice ?? 0)).code).toBe('APPROVED_ONLINE');
    expect(await settled(shop)).toEqual([]);
  });

  it('of an offline sale sends its advice first', async () => {
    const shop = await Shop.open();
    const sale = await shop.sale({ amountMinor: 850 }, TAP);
    expect((await shop.void(sale.record?.invoice ?? 0)).code).toBe('APPROVED_ONLINE');
    expect(shop.sent()).toEqual(['0220', '0200']);
    expect(await settled(shop)).toEqual([]);
  });

  it('of an offline sale that the host refuses is refused', async () => {
    const shop = await Shop.open();
    const sale = await shop.sale({ amountMinor: 850 }, TAP);
    shop.host.host.setAnswer({ when: { mti: '0220' }, code: '05' });
    expect(await shop.void(sale.record?.invoice ?? 0)).toMatchObject({
      code: 'REFUSED',
      message: 'void-refused',
    });
    expect(shop.records().map(({ state }) => state)).toEqual(['REJECTED']);
    expect(await settled(shop)).toEqual([]);
  });

  it('is never done while the line is down', async () => {
    const shop = await Shop.open();
    const sale = await shop.sale({ keys: '1234E' }, CHIP);
    shop.line.up = false;
    expect(await shop.void(sale.record?.invoice ?? 0)).toMatchObject({ code: 'REFUSED', message: 'no-line' });
    expect(shop.records()).toHaveLength(1);
    expect(shop.records()[0]?.voidedBy).toBeUndefined();
  });

  it('whose answer is lost is reversed: the sale stands', async () => {
    const shop = await Shop.open();
    const sale = await shop.sale({ keys: '1234E' }, CHIP);
    shop.host.host.setAnswer({ silence: true });
    expect(await shop.void(sale.record?.invoice ?? 0)).toMatchObject({ code: 'REVERSED' });
    expect(shop.records()[0]?.voidedBy).toBeUndefined();
    expect(await settled(shop)).toEqual([]);
    expect(shop.terminal.context.journal.batches.find(1)?.slip?.totals.salesCount).toBe(1);
  });

  it.each([
    ['an unknown invoice', async () => 77],
    [
      'a sale that was voided',
      async (shop: Shop) => {
        const sale = await shop.sale({ keys: '1234E' }, CHIP);
        await shop.void(sale.record?.invoice ?? 0);
        return sale.record?.invoice ?? 0;
      },
    ],
    [
      'a declined sale',
      async (shop: Shop) =>
        (await shop.sale({ amountMinor: 1_500_000, keys: '1234E' }, CHIP)).record?.invoice ?? 0,
    ],
    [
      'a settled sale',
      async (shop: Shop) => {
        const sale = await shop.sale({ keys: '1234E' }, CHIP);
        await shop.settle();
        return sale.record?.invoice ?? 0;
      },
    ],
  ])('of %s is refused without a message', async (_, prepare) => {
    const shop = await Shop.open();
    const invoice = await prepare(shop);
    const before = shop.sent().length;
    expect(await shop.void(invoice)).toMatchObject({ code: 'REFUSED', message: 'void-refused' });
    expect(shop.sent()).toHaveLength(before);
  });
});
