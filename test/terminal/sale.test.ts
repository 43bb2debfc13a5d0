import { describe, expect, it } from 'vitest';
import { Shop } from '../support/shop.ts';

const CHIP = { card: 'visa-credit' } as const;
const TAP = { card: 'visa-contactless', by: 'tap' } as const;
const SWIPE = { card: 'stripe-only', by: 'swipe' } as const;

describe('a sale', () => {
  it('by chip and PIN is approved online, stored before it is told, and printed twice', async () => {
    const shop = await Shop.open();
    const result = await shop.sale({ keys: '1234E' }, CHIP);
    expect(result).toMatchObject({
      code: 'APPROVED_ONLINE',
      printed: true,
      record: { state: 'APPROVED', online: true, entryMode: '051', responseCode: '00', amountMinor: 12_000 },
    });
    expect(shop.slips()).toMatch(/MERCHANT COPY[\s\S]*CUSTOMER COPY/);
    expect(shop.slips()).toMatch(/476173\*{6}0010[\s\S]*120\.00[\s\S]*PIN VERIFIED/);
    const order = shop.events.flatMap((event) => {
      if (event.kind === 'commit') return [event.what];
      return event.kind === 'screen' && event.lines[0] === 'Approved' ? ['told'] : [];
    });
    expect(order.slice(-4)).toEqual(['keys', 'request', 'result', 'told']);
  });

  it('shows one amount: on the pad, in 9F02, in field 4, on the slip and in the ledger', async () => {
    const shop = await Shop.open();
    await shop.sale({ amountMinor: 12_345, keys: '1234E' }, CHIP);
    const request = shop.events.find((event) => event.kind === 'message' && event.mti === '0200');
    const fields = request?.kind === 'message' ? request.fields : {};
    expect(shop.devices.pinPad.prompts.map(({ amountMinor }) => amountMinor)).toEqual([12_345]);
    expect(fields[4]).toBe('000000012345');
    expect(fields[55]).toContain('9F0206000000012345');
    expect(shop.slips()).toContain('123.45');
    const charged = Object.entries(shop.host.host.ledger().balances).filter(([name]) =>
      /customer/.test(name),
    );
    expect(charged.map(([, minor]) => minor)).toEqual([12_345]);
  });

  it('by tap below the limits is approved by the card alone, in one commit before it is told', async () => {
    const shop = await Shop.open();
    const before = shop.commits().length;
    const result = await shop.sale({ amountMinor: 850 }, TAP);
    expect(result).toMatchObject({
      code: 'APPROVED_OFFLINE',
      record: { state: 'APPROVED', online: false, detail: { localCode: 'Y1' } },
    });
    expect(shop.commits().slice(before)).toEqual(['offline approval']);
    expect([shop.sent(), shop.terminal.context.journal.outbox.waiting()]).toEqual([[], 1]);
  });

  it('by tap goes online when the merchant wants it so', async () => {
    const shop = await Shop.open();
    const result = await shop.sale({ amountMinor: 850, forceOnline: true, keys: '1234E' }, TAP);
    expect(result).toMatchObject({ code: 'APPROVED_ONLINE', record: { online: true } });
  });

  it('by stripe is approved online and signed', async () => {
    const shop = await Shop.open();
    const result = await shop.sale({ amountMinor: 2000 }, SWIPE);
    expect(result).toMatchObject({ code: 'APPROVED_ONLINE', record: { entryMode: '022' } });
    expect(shop.screens()).toContain('Approved, please sign');
    expect(shop.slips()).toContain('Signature:');
  });

  it('takes at most three commits online, PIN included', async () => {
    const shop = await Shop.open();
    const before = shop.commits().length;
    await shop.sale({ keys: '1234E' }, CHIP);
    expect(shop.commits().slice(before)).toEqual(['keys', 'request', 'result']);
  });

  it('that the host declines is told and leaves nothing to reverse', async () => {
    const shop = await Shop.open();
    const result = await shop.sale({ amountMinor: 1_500_000, keys: '1234E' }, CHIP);
    expect(result).toMatchObject({
      code: 'DECLINED_ONLINE',
      record: { state: 'DECLINED', responseCode: '51' },
    });
    expect(shop.sent()).toEqual(['0200']);
  });

  it.each([
    ['blocked', 'NOT_ACCEPTED'],
    ['card-blocked', 'CARD_BLOCKED'],
    ['expired', 'DECLINED_OFFLINE'],
  ])('with the card "%s" is not approved', async (card, code) => {
    const shop = await Shop.open();
    const result = await shop.sale({ keys: '1234E' }, { card });
    expect(result.code).not.toMatch(/APPROVED/);
    expect([result.code, shop.records().filter(({ state }) => state === 'APPROVED')]).toEqual([code, []]);
  });

  it('asks which application, when the card has two', async () => {
    const labels: (readonly string[])[] = [];
    const shop = await Shop.open({
      chooseApplication: async (offered) => {
        labels.push(offered);
        return 1;
      },
    });
    const result = await shop.sale({ keys: '1234E' }, { card: 'two-applications' });
    expect(labels[0]).toHaveLength(2);
    expect(result.record?.detail.label).toBe(labels[0]?.[1]);
  });
});

describe('the messages', () => {
  it('may be Chinese', async () => {
    const shop = await Shop.open({ settings: (settings) => ({ ...settings, language: 'zh' }) });
    await shop.sale({ keys: '1234E' }, CHIP);
    expect(shop.screens()).toEqual(
      expect.arrayContaining(['请插卡、挥卡或刷卡', '正在授权，请稍候', '交易成功', '请取走卡片']),
    );
    expect(shop.screens().filter((text) => /[A-Za-z]{4}/.test(text))).toEqual([]);
  });
});

describe('a printer without paper', () => {
  it('changes nothing about the sale; the reprint is marked', async () => {
    const shop = await Shop.open();
    shop.devices.printer.paper('out');
    const result = await shop.sale({ keys: '1234E' }, CHIP);
    expect(result).toMatchObject({ code: 'APPROVED_ONLINE', printed: false, record: { state: 'APPROVED' } });
    expect(shop.screens()).toContain('Printer failed, reprint the receipt');
    shop.devices.printer.paper('ok');
    await shop.clock.run(shop.terminal.reprint(result.record?.invoice ?? 0));
    expect(shop.slips()).toMatch(/DUPLICATE[\s\S]*APPROVED/);
    expect(shop.sent()).toEqual(['0200']);
  });

  it('leaves the settlement slip to be printed at the next boot', async () => {
    const shop = await Shop.open();
    await shop.sale({ keys: '1234E' }, CHIP);
    shop.devices.printer.paper('out');
    expect(await shop.settle()).toMatchObject({ kind: 'settled' });
    shop.cut();
    shop.devices.printer.paper('ok');
    await shop.boot();
    expect(shop.slips()).toMatch(/SETTLEMENT[\s\S]*120\.00/);
    const printed = shop.devices.printer.slips.length;
    shop.cut();
    await shop.boot();
    expect(shop.devices.printer.slips).toHaveLength(printed);
  });
});
