import { describe, expect, it } from 'vitest';
import { fromHex } from '../../src/platform/bytes.ts';
import type { TerminalSettings } from '../../src/terminal/config.ts';
import { brokenBooks } from '../support/invariants.ts';
import { type Presentation, Shop, type ShopOptions } from '../support/shop.ts';

const CARD = 'visa-contactless-update';
/** Above the floor limit, below the CVM limit. */
const ONLINE = { amountMinor: 6000 };

/** A terminal whose qualifiers do not say that it knows issuer update processing. */
const withoutUpdate: ShopOptions = {
  settings: (settings: TerminalSettings): TerminalSettings => ({
    ...settings,
    emv: {
      ...settings.emv,
      aids: settings.emv.aids.map((aid) =>
        aid.contactless === undefined
          ? aid
          : { ...aid, contactless: { ...aid.contactless, ttq: fromHex('36000080') } },
      ),
    },
  }),
};

const commands = (shop: Shop) =>
  shop.events.flatMap((event) => (event.kind === 'apdu' ? [event.command[1] ?? 0] : []));
const tap = (name: string): Presentation => ({ card: name, by: 'tap' });
/** A tap that ends as soon as the host is asked. */
const shortTap: Presentation = (shop) => {
  shop.devices.reader.tap(shop.card(CARD));
  const stop = shop.trace.subscribe((event) => {
    if (event.kind !== 'screen' || event.lines[0] !== 'Authorising, please wait') return;
    shop.devices.reader.remove();
    stop();
  });
};
/** Takes what lies in the field away and holds a card into it. */
const change = (name: string) => (shop: Shop) => {
  shop.devices.reader.remove();
  shop.devices.reader.tap(shop.card(name));
};

describe('a card with issuer update', () => {
  it('that stays in the field is used again', async () => {
    const shop = await Shop.open();
    const result = await shop.sale(ONLINE, tap(CARD));
    expect(result).toMatchObject({ code: 'APPROVED_ONLINE', record: { state: 'APPROVED' } });
    expect(shop.screens()).toContain('Present card again');
    expect(commands(shop)).toEqual([0xa4, 0xa4, 0xa8, 0xa4, 0x82]);
    expect(shop.card(CARD).state().applications.A0000000031010).toMatchObject({ lastOnlineAtc: 2 });
  });

  it('that was taken away is presented again, and the sale goes with it', async () => {
    const shop = await Shop.open();
    const result = await shop.sale(ONLINE, shortTap, change(CARD));
    expect(result.code).toBe('APPROVED_ONLINE');
    expect(commands(shop).at(-1)).toBe(0x82);
    expect(shop.card(CARD).state().applications.A0000000031010).toMatchObject({ lastOnlineAtc: 2 });
  });

  it('that does not come back keeps its result, after fifteen seconds', async () => {
    const shop = await Shop.open();
    const start = shop.clock.now();
    const result = await shop.sale(ONLINE, shortTap);
    expect(result).toMatchObject({ code: 'APPROVED_ONLINE', record: { state: 'APPROVED' } });
    expect(shop.clock.now() - start).toBe(16_000);
    await shop.settle();
    expect(brokenBooks(shop.terminal.context.journal, shop.host)).toEqual([]);
    expect(shop.sent()).not.toContain('0400');
  });

  it('is not taken for another one: that is refused, the right one is asked for', async () => {
    const shop = await Shop.open();
    const foreign: Presentation = (s) => {
      s.devices.reader.remove();
      const { contact } = s.card('mastercard-cda');
      if (contact === undefined) throw new Error('no contacts');
      s.devices.reader.tap({
        ...s.card('mastercard-cda'),
        contactless: { ...contact, interface: 'contactless' },
      });
    };
    const result = await shop.sale(ONLINE, shortTap, foreign, change(CARD));
    expect(result.code).toBe('APPROVED_ONLINE');
    expect(shop.screens()).toContain('Present the same card');
    expect(commands(shop)).toEqual([0xa4, 0xa4, 0xa8, 0xa4, 0xa4, 0x82]);
  });

  it('that is torn in the update keeps its result', async () => {
    const shop = await Shop.open();
    const torn: Presentation = (s) => {
      s.devices.reader.tearAt(1);
      change(CARD)(s);
    };
    const result = await shop.sale(ONLINE, shortTap, torn);
    expect(result).toMatchObject({ code: 'APPROVED_ONLINE', record: { state: 'APPROVED' } });
  });

  it('that is disturbed by another one is asked for alone', async () => {
    const shop = await Shop.open();
    const both: Presentation = ({ devices, trace, card }) => {
      devices.reader.tap(card.call(shop, CARD));
      trace.subscribe((event) => {
        if (event.kind !== 'screen' || event.lines[0] !== 'Authorising, please wait') return;
        devices.reader.tap(card.call(shop, 'visa-contactless'));
      });
    };
    const result = await shop.sale(ONLINE, both, change(CARD), change(CARD));
    expect(result.code).toBe('APPROVED_ONLINE');
    expect(shop.screens()).toContain('Present one card only');
    expect(commands(shop).at(-1)).toBe(0x82);
  });

  it('that does not answer is asked for once more', async () => {
    const shop = await Shop.open();
    const mute: Presentation = ({ devices, card }) => {
      devices.reader.remove();
      devices.reader.tap(card.call(shop, CARD), { mute: true });
    };
    const result = await shop.sale(ONLINE, shortTap, mute, change(CARD));
    expect([result.code, commands(shop).at(-1)]).toEqual(['APPROVED_ONLINE', 0x82]);
  });

  it('hears of a decline, too', async () => {
    const shop = await Shop.open();
    shop.host.host.setAnswer({ code: '05' });
    const result = await shop.sale(ONLINE, tap(CARD));
    expect([result.code, commands(shop).at(-1)]).toEqual(['DECLINED_ONLINE', 0x82]);
  });

  it('is not presented again where the terminal does not know it', async () => {
    const shop = await Shop.open(withoutUpdate);
    const result = await shop.sale(ONLINE, tap(CARD));
    expect([result.code, commands(shop)]).toEqual(['APPROVED_ONLINE', [0xa4, 0xa4, 0xa8]]);
  });

  it('cannot be cancelled once the host has answered', async () => {
    const shop = await Shop.open();
    const cancel = new AbortController();
    shop.trace.subscribe((event) => {
      if (event.kind === 'screen' && event.lines[0] === 'Present card again') cancel.abort();
    });
    const result = await shop.sale({ ...ONLINE, signal: cancel.signal }, shortTap, change(CARD));
    expect([result.code, commands(shop).at(-1)]).toEqual(['APPROVED_ONLINE', 0x82]);
  });

  it('whose terminal loses its power before the second tap is reversed: nobody was told', async () => {
    const shop = await Shop.open();
    const result = shop.sale(ONLINE, shortTap, (s) => s.cut());
    await expect(result).rejects.toThrow();
    expect(await shop.boot()).toMatchObject({ interrupted: 1 });
    await shop.settle();
    expect(brokenBooks(shop.terminal.context.journal, shop.host)).toEqual([]);
  });
});
