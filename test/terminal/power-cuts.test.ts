import { describe, expect, it } from 'vitest';
import { PowerCut } from '../../src/app.ts';
import { brokenBooks, brokenPromises } from '../support/invariants.ts';
import { type Presentation, type Purchase, Shop } from '../support/shop.ts';

type Act = (shop: Shop) => Promise<unknown>;

/** Runs `work` with the power failing at its `point`-th power point; 0 never. @returns the points that were passed */
async function withCut(shop: Shop, point: number, work: () => Promise<unknown>): Promise<number> {
  let passed = 0;
  shop.onPower = (_kind, supply) => {
    if (++passed === point) supply.cut();
  };
  try {
    await work();
  } catch (cause) {
    if (!(cause instanceof PowerCut)) throw cause;
    shop.cut();
  }
  shop.onPower = undefined;
  return passed;
}

/** Boots, settles, and says what is wrong. */
async function aftermath(shop: Shop): Promise<readonly string[]> {
  if (!shop.terminal.power.isOn) await shop.boot();
  const settlement = await shop.settle();
  const { journal } = shop.terminal.context;
  return [
    ...(settlement.kind === 'failed' ? [`the settlement failed: ${settlement.reason}`] : []),
    ...brokenBooks(journal, shop.host),
    ...brokenPromises(journal, shop.told()),
  ];
}

/** Rows as far as they matter for the money. */
const rows = (shop: Shop) => shop.records().map(({ stan, state, kind }) => `${kind} ${stan} ${state}`);

const SALE: Purchase = { amountMinor: 12_000, keys: '1234E' };
const CHIP: Presentation = { card: 'visa-credit' };
const TAP: Presentation = { card: 'visa-contactless', by: 'tap' };
const nothing: Act = async () => {};
const offlineSale: Act = (shop) => shop.sale({ amountMinor: 850 }, TAP);

/** What happens, what happened before, and how far apart the points lie. */
const WORK: [what: string, prepare: Act, work: Act, step: number][] = [
  ['an online sale', nothing, (shop) => shop.sale(SALE, CHIP), 1],
  ['an offline sale', nothing, offlineSale, 1],
  ['an online sale with an advice before it', offlineSale, (shop) => shop.sale(SALE, CHIP), 3],
  ['a void', (shop) => shop.sale(SALE, CHIP), (shop) => shop.void(1), 2],
  [
    'a sale whose answer is lost',
    async (shop) => shop.host.host.setAnswer({ when: { mti: '0200' }, silence: true }),
    (shop) => shop.sale(SALE, CHIP),
    3,
  ],
  ['a settlement', (shop) => shop.sale(SALE, CHIP), (shop) => shop.settle(), 1],
];

describe.each(WORK)('the power fails in %s', (_, prepare, work, step) => {
  it('at any point: after recovery every book agrees', async () => {
    const whole = await Shop.open();
    await prepare(whole);
    const points = await withCut(whole, 0, () => work(whole));
    expect(points).toBeGreaterThan(10);
    expect(await aftermath(whole)).toEqual([]);
    const wrong: string[] = [];
    for (let point = 1; point <= points; point += step) {
      const shop = await Shop.open();
      await prepare(shop);
      await withCut(shop, point, () => work(shop));
      for (const what of await aftermath(shop)) wrong.push(`point ${point} of ${points}: ${what}`);
    }
    expect(wrong).toEqual([]);
  });
});

describe('recovery', () => {
  /** A terminal that lost power when the request was out, and a line that is up. */
  async function interrupted(): Promise<Shop> {
    const shop = await Shop.open();
    await offlineSale(shop);
    shop.onPower = (kind, supply) => {
      if (kind === 'read' && shop.sent().at(-1) === '0200') supply.cut();
    };
    await expect(shop.sale(SALE, CHIP)).rejects.toThrow(PowerCut);
    shop.cut();
    return shop;
  }

  it('cut off at each of its points, one after the other, comes to the same end', async () => {
    const straight = await interrupted();
    expect(await straight.boot()).toMatchObject({ interrupted: 1, waiting: 0 });
    const wanted = rows(straight);
    expect(wanted).toEqual(['sale 1 APPROVED', 'sale 2 REVERSED']);

    const shop = await interrupted();
    let boots = 0;
    for (let point = 1; ; point++) {
      const passed = await withCut(shop, point, () => shop.boot());
      boots++;
      if (passed < point) break;
    }
    expect(boots).toBeGreaterThan(10);
    expect(rows(shop)).toEqual(wanted);
    expect(await aftermath(shop)).toEqual([]);
  });

  it('without a line keeps everything, and goes on when the line is back', async () => {
    const shop = await interrupted();
    shop.line.up = false;
    expect(await shop.boot()).toMatchObject({ interrupted: 1, waiting: 1 });
    shop.cut();
    expect(await shop.boot()).toMatchObject({ interrupted: 0, waiting: 1 });
    shop.line.up = true;
    shop.cut();
    expect(await shop.boot()).toMatchObject({ interrupted: 0, waiting: 0 });
    expect(await aftermath(shop)).toEqual([]);
  });

  it('does not use a number again', async () => {
    const shop = await interrupted();
    await shop.boot();
    const result = await shop.sale(SALE, CHIP);
    expect(result).toMatchObject({ code: 'APPROVED_ONLINE', record: { stan: 3, invoice: 3 } });
    expect(await aftermath(shop)).toEqual([]);
  });
});
