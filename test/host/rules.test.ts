import { describe, expect, it } from 'vitest';
import { macInput } from '../../src/iso8583/codec.ts';
import { FrameSplitter } from '../../src/iso8583/framing.ts';
import { minimumBody } from '../../src/iso8583/tpdu.ts';
import { fromHex, toHex } from '../../src/platform/bytes.ts';
import { until } from '../../src/platform/clock.ts';
import { parseTlv } from '../../src/tlv/ber.ts';
import { amount, chipSale, codec, NOON, profile, STRIPE_PAN, totals, World } from './world.ts';

const never = new AbortController().signal;

describe('a scripted answer', () => {
  it('gives a code once, to the first request that fits', async () => {
    const world = new World();
    const terminal = world.terminal();
    world.setAnswer({ when: { amountMinor: 777 }, code: '51' });
    expect(await terminal.code(terminal.sale(776))).toBe('00');
    expect(await terminal.code(terminal.sale(777))).toBe('51');
    expect(await terminal.code(terminal.sale(777))).toBe('00');
    expect(world.host.transactions().map(({ state }) => state)).toEqual(['approved', 'declined', 'approved']);
  });

  it('of the host file holds for as long as it says', async () => {
    const world = new World({
      answers: [{ when: { pan: STRIPE_PAN, mti: '0200' }, code: '91', times: 2 }],
    });
    const terminal = world.terminal();
    for (const code of ['91', '91', '00']) expect(await terminal.code(terminal.sale(100))).toBe(code);
  });

  it('approves against the issuer’s will', async () => {
    const world = new World();
    const terminal = world.terminal();
    world.setAnswer({ code: '00' });
    expect(await terminal.code(terminal.sale(100, { 2: '4000000000000002' }))).toBe('00');
    expect(world.host.batches()[0]?.totals.sales.count).toBe(1);
  });

  it('approves in part', async () => {
    const world = new World();
    const terminal = world.terminal();
    world.setAnswer({ code: '10', fields: { 4: amount(60) } });
    expect((await terminal.answer(terminal.sale(100)))?.fields[4]).toBe(amount(60));
    expect(world.host.batches()[0]?.totals.sales).toEqual({ count: 1, amountMinor: 60 });
  });

  it('loses the request', async () => {
    const world = new World();
    const terminal = world.terminal();
    world.setAnswer({ ignore: true });
    const sale = terminal.sale(100);
    expect(await terminal.exchange(sale.bytes)).toBeUndefined();
    expect(world.host.transactions()).toEqual([]);
    expect(await terminal.code(terminal.reversal(sale))).toBe('25');
  });

  it('loses the answer, and the reversal finds what was posted', async () => {
    const world = new World();
    const terminal = world.terminal();
    world.setAnswer({ silence: true });
    const sale = terminal.sale(100);
    expect(await terminal.exchange(sale.bytes)).toBeUndefined();
    expect(world.host.transactions()).toMatchObject([{ state: 'approved' }]);
    expect(await terminal.code(terminal.reversal(sale))).toBe('00');
    expect(await terminal.settle(totals([0, 0]))).toBe('00');
  });

  it('drops the connection after posting', async () => {
    const world = new World();
    const terminal = world.terminal();
    world.setAnswer({ dropConnection: true });
    expect(await terminal.exchange(terminal.sale(100).bytes)).toBeUndefined();
    expect(world.clock.now()).toBe(NOON);
    expect(world.host.transactions()).toHaveLength(1);
  });

  it('comes late by exactly what it says', async () => {
    const world = new World();
    const terminal = world.terminal();
    world.setAnswer({ delayMs: 29_999 });
    expect(await terminal.code(terminal.sale(100))).toBe('00');
    expect(world.clock.now()).toBe(NOON + 29_999);
  });

  it('has a wrong MAC', async () => {
    const world = new World();
    const terminal = world.terminal();
    world.setAnswer({ wrongMac: true });
    await expect(terminal.answer(terminal.sale(100))).rejects.toThrow('wrong answer MAC');
  });

  it('overwrites and removes fields, the MAC made over the result', async () => {
    const world = new World();
    const terminal = world.terminal();
    world.setAnswer({ fields: { 11: '999999', 38: null, 39: 'ZZ' } });
    const answer = await terminal.answer(terminal.sale(100));
    expect([answer?.fields[11], answer?.fields[38], answer?.fields[39]]).toEqual(['999999', undefined, 'ZZ']);
    world.setAnswer({ fields: { 64: null } });
    const raw = await terminal.exchangeRaw(terminal.sale(100).bytes);
    expect(macInput(raw as Uint8Array, codec)).toBeUndefined();
  });

  it('carries issuer scripts', async () => {
    const world = new World();
    const terminal = world.terminal();
    world.setAnswer({
      scripts: [
        { tag: '72', value: '9F180400000001' },
        { tag: '71', value: '86028418' },
      ],
    });
    const sale = chipSale(terminal, { atc: 1, amountMinor: 100, pin: '1234' });
    const parsed = parseTlv((await terminal.answer(sale))?.fields[55] as Uint8Array);
    expect(parsed.ok && parsed.items.map(({ tag }) => tag)).toEqual([0x91, 0x72, 0x71]);
    expect(parsed.ok && toHex(parsed.items[1]?.value ?? fromHex(''))).toBe('9F180400000001');
  });

  it('is cut, or comes twice', async () => {
    const world = new World();
    const terminal = world.terminal();
    world.setAnswer({ cutAfter: 10 });
    expect(await terminal.exchange(terminal.sale(100).bytes)).toBeUndefined();
    world.setAnswer({ copies: 2 });
    const stream = await terminal.connect();
    const { bytes } = terminal.sale(100);
    await stream.write(Uint8Array.of(0, bytes.length + 5, 0x60, 0, 3, 0, 0, ...bytes));
    const splitter = new FrameSplitter(profile.framing, minimumBody(profile));
    const frames: Uint8Array[] = [];
    await world.run(
      (async () => {
        for (;;) {
          const chunk = await until(world.clock, world.clock.now() + 1_000, stream.read(never));
          if (chunk === undefined) break;
          frames.push(...splitter.push(chunk).frames);
        }
      })(),
    );
    expect(frames).toHaveLength(2);
    expect(frames[0]).toEqual(frames[1]);
  });

  it('can be taken back, and must be one', async () => {
    const world = new World();
    const terminal = world.terminal();
    world.setAnswer({ code: '05' });
    world.host.clearAnswers();
    expect(await terminal.code(terminal.sale(100))).toBe('00');
    expect(() => world.setAnswer({ colour: 'red' } as never)).toThrow();
  });
});

describe('the line', () => {
  it('down closes connections, silent keeps them', async () => {
    const world = new World();
    const terminal = world.terminal();
    const stream = await terminal.connect();
    world.host.setLine('down');
    expect(await world.run(stream.read(never))).toBeUndefined();
    expect(await terminal.exchange(terminal.sale(100).bytes)).toBeUndefined();
    expect(world.clock.now()).toBe(NOON);
    world.host.setLine('silent');
    expect(await terminal.exchange(terminal.sale(100).bytes)).toBeUndefined();
    expect(world.clock.now()).toBe(NOON + 60_000);
    world.host.setLine('up');
    expect(await terminal.code(terminal.sale(100))).toBe('00');
    expect(world.host.transactions()).toHaveLength(1);
  });

  it('ends with the host', async () => {
    const world = new World();
    const terminal = world.terminal();
    const stream = await terminal.connect();
    await world.run(world.host.close());
    expect(await world.run(stream.read(never))).toBeUndefined();
  });
});
