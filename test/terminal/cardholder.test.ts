import { describe, expect, it } from 'vitest';
import { brokenBooks } from '../support/invariants.ts';
import { type Presentation, Shop } from '../support/shop.ts';

const CHIP = { card: 'visa-credit' } as const;
const TAP = { card: 'visa-contactless', by: 'tap' } as const;

describe('the PIN', () => {
  it('wrong at the host is asked for again, under new numbers, until it is right', async () => {
    const shop = await Shop.open();
    const result = await shop.sale({ keys: '9999E8888E1234E' }, CHIP);
    expect(result).toMatchObject({ code: 'APPROVED_ONLINE', record: { stan: 3 } });
    expect(shop.records().map(({ state, responseCode }) => [state, responseCode])).toEqual([
      ['DECLINED', '55'],
      ['DECLINED', '55'],
      ['APPROVED', '00'],
    ]);
    expect(shop.devices.pinPad.prompts.map(({ hint }) => hint)).toEqual([
      undefined,
      'wrong-pin',
      'wrong-pin',
    ]);
  });

  it('wrong three times ends the sale', async () => {
    const shop = await Shop.open();
    const result = await shop.sale({ keys: '9999E8888E7777E1234E' }, CHIP);
    expect(result).toMatchObject({ code: 'DECLINED_ONLINE', record: { state: 'DECLINED' } });
    expect(shop.records().map(({ responseCode }) => responseCode)).toEqual(['55', '55', '75']);
    expect(shop.devices.pinPad.prompts).toHaveLength(3);
  });

  it('checked by the card has its own tries, and the host sees none', async () => {
    const shop = await Shop.open();
    const result = await shop.sale({ keys: '9999E1234E' }, { card: 'debit-offline-pin' });
    expect(result).toMatchObject({ code: 'APPROVED_ONLINE', record: { entryMode: '052' } });
    expect(shop.slips()).toContain('PIN VERIFIED');
    expect(shop.devices.pinPad.prompts.map(({ purpose }) => purpose)).toEqual(['offline', 'offline']);
  });

  it('of three or thirteen digits is refused at Enter', async () => {
    const shop = await Shop.open();
    const result = await shop.sale({ keys: '123E1234567890123E1234E' }, CHIP);
    expect([result.code, shop.records().length]).toEqual(['APPROVED_ONLINE', 1]);
  });

  it('goes with its own sale when an advice is sent before it', async () => {
    const shop = await Shop.open();
    await shop.sale({ amountMinor: 850 }, TAP);
    const result = await shop.sale({ keys: '9999E1234E' }, CHIP);
    expect(shop.sent()).toEqual(['0220', '0200', '0200']);
    expect(result.code).toBe('APPROVED_ONLINE');
    expect(shop.records().map(({ responseCode }) => responseCode)).toEqual([undefined, '55', '00']);
    expect(shop.host.host.alarms()).toEqual([]);
  });
});

describe('cancelling', () => {
  it('with the key on the pad ends the sale without a row', async () => {
    const shop = await Shop.open();
    expect((await shop.sale({ keys: '12C' }, CHIP)).code).toBe('CANCELLED');
    expect([shop.records(), shop.sent()]).toEqual([[], []]);
  });

  const at = (what: (shop: Shop, abort: () => void) => void) => async () => {
    const shop = await Shop.open();
    const cancel = new AbortController();
    what(shop, () => cancel.abort());
    return { shop, result: await shop.sale({ keys: '1234E', signal: cancel.signal }, CHIP) };
  };
  const onState = (shop: Shop, to: string, abort: () => void) =>
    shop.trace.subscribe((event) => {
      if (event.kind === 'state' && event.part === 'terminal' && event.to === to) abort();
    });
  const onScreen = (shop: Shop, text: string, abort: () => void) =>
    shop.trace.subscribe((event) => {
      if (event.kind === 'screen' && event.lines[0] === text) abort();
    });

  it.each([
    ['before it begins', at((_, abort) => abort())],
    ['while a card is awaited', at((shop, abort) => void onState(shop, 'awaiting card', abort))],
    ['while the chip is read', at((shop, abort) => void onScreen(shop, 'Processing', abort))],
    [
      'while the PIN is entered',
      at((shop, abort) => {
        const { pinPad } = shop.devices;
        const open = pinPad.open.bind(pinPad);
        pinPad.open = (prompt, sink) => {
          queueMicrotask(abort);
          pinPad.forget();
          return open(prompt, sink);
        };
      }),
    ],
  ])('%s ends the sale without a row', async (_, play) => {
    const { shop, result } = await play();
    expect([result.code, shop.records(), shop.sent()]).toEqual(['CANCELLED', [], []]);
    expect((await shop.sale({ amountMinor: 850 }, TAP)).code).toBe('APPROVED_OFFLINE');
  });

  it('while the host is asked changes nothing: approved, printed, balanced', async () => {
    const { shop, result } = await at((s, abort) => void onScreen(s, 'Authorising, please wait', abort))();
    expect(result).toMatchObject({ code: 'APPROVED_ONLINE', printed: true, record: { state: 'APPROVED' } });
    await shop.settle();
    expect(brokenBooks(shop.terminal.context.journal, shop.host)).toEqual([]);
  });

  it('a void that is on its way changes nothing either', async () => {
    const shop = await Shop.open();
    const sale = await shop.sale({ keys: '1234E' }, CHIP);
    const cancel = new AbortController();
    onScreen(shop, 'Authorising, please wait', () => cancel.abort());
    const result = await shop.void(sale.record?.invoice ?? 0, cancel.signal);
    expect(result).toMatchObject({ code: 'APPROVED_ONLINE', printed: true });
    const early = new AbortController();
    early.abort();
    const other = await shop.sale({ keys: '1234E' }, CHIP);
    expect((await shop.void(other.record?.invoice ?? 0, early.signal)).code).toBe('CANCELLED');
  });
});

describe('nobody there', () => {
  it('no card in a minute', async () => {
    const shop = await Shop.open();
    const start = shop.clock.now();
    expect(await shop.sale({})).toMatchObject({ code: 'CANCELLED', reason: 'no card was presented' });
    expect(shop.clock.now() - start).toBe(60_000);
  });

  it.each([
    ['no key in 30 s', undefined, 30_000],
    ['no further key in 10 s', '12', 10_000],
  ])('%s', async (_, keys, ms) => {
    const shop = await Shop.open();
    const start = shop.clock.now();
    const result = await shop.sale({ ...(keys === undefined ? {} : { keys }) }, CHIP);
    // A second for the hand with the card, another to take it away.
    expect([result.code, shop.clock.now() - start]).toEqual(['CANCELLED', ms + 2000]);
    expect(shop.records()).toEqual([]);
  });

  it('a card that stays in the slot does not hold the terminal for ever', async () => {
    const shop = await Shop.open();
    const { reader } = shop.devices;
    const remove = reader.remove.bind(reader);
    reader.remove = () => {};
    reader.insert(shop.card('visa-credit'));
    const start = shop.clock.now();
    expect((await shop.sale({ keys: '1234E' })).code).toBe('APPROVED_ONLINE');
    expect(shop.clock.now() - start).toBeLessThanOrEqual(60_000);
    reader.remove = remove;
  });
});

describe('the way to present a card', () => {
  const MUTE = { card: 'chip-stripe', by: 'insert', mute: true } as const;
  const STRIPE = { card: 'chip-stripe', by: 'swipe' } as const;

  it('falls back to the stripe after three chips that say nothing', async () => {
    const shop = await Shop.open();
    const result = await shop.sale({}, MUTE, MUTE, MUTE, STRIPE);
    expect(result).toMatchObject({ code: 'APPROVED_ONLINE', record: { entryMode: '802' } });
    expect(shop.screens()).toContain('Chip not readable: swipe card');
    expect(shop.slips()).toContain('Fallback swipe');
  });

  it('is the chip when the service code of a stripe says so', async () => {
    const shop = await Shop.open();
    const result = await shop.sale({ keys: '1234E' }, STRIPE, CHIP);
    expect(result).toMatchObject({ code: 'APPROVED_ONLINE', record: { entryMode: '051' } });
    expect(shop.screens()).toContain('Please insert card');
  });

  it('does not fall back after one or two', async () => {
    const shop = await Shop.open();
    const result = await shop.sale({ keys: '1234E' }, MUTE, MUTE, STRIPE, CHIP);
    expect(result).toMatchObject({ code: 'APPROVED_ONLINE', record: { entryMode: '051' } });
  });

  it('is one card: two in the field are asked apart before a command is sent', async () => {
    const shop = await Shop.open();
    const both: Presentation = ({ devices, card }) => {
      devices.reader.tap(card.call(shop, 'visa-contactless'));
      devices.reader.tap(card.call(shop, 'visa-contactless'));
    };
    const result = await shop.sale({ amountMinor: 850 }, both, TAP);
    expect(result.code).toBe('APPROVED_OFFLINE');
    expect(shop.screens()).toContain('Present one card only');
  });
});
