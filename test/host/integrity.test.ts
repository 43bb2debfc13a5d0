import { describe, expect, it } from 'vitest';
import { packWithMac } from '../../src/iso8583/codec.ts';
import { frame } from '../../src/iso8583/framing.ts';
import { requestRouting, wrapMessage } from '../../src/iso8583/tpdu.ts';
import { concat, fromHex, toHex } from '../../src/platform/bytes.ts';
import { sleep, until } from '../../src/platform/clock.ts';
import { seededRandom } from '../../src/platform/random.ts';
import { amount, chipSale, codec, profile, type Sent, type TestTerminal, totals, World } from './world.ts';

const never = new AbortController().signal;

/** Field 39 of the answer to bytes, whatever its MAC. */
async function rawCode(terminal: TestTerminal, bytes: Uint8Array): Promise<unknown> {
  return (await terminal.exchange(bytes))?.fields[39];
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  const index = at < 0 ? copy.length + at : at;
  copy[index] = (copy[index] as number) ^ 1;
  return copy;
}

describe('the MAC', () => {
  it('that is wrong, missing, zero or of another key posts nothing', async () => {
    const world = new World();
    const terminal = world.terminal();
    const sale = terminal.sale(1_000);
    expect(await rawCode(terminal, flipped(sale.bytes, -1))).toBe('A0');
    const withoutMac = { ...sale.request, fields: sale.request.fields.with(64, undefined) };
    const answer = await terminal.exchange(codec.pack(withoutMac));
    expect([answer?.fields[39], answer?.fields[64]]).toEqual(['A0', undefined]);
    expect(
      await rawCode(
        terminal,
        packWithMac(sale.request, codec, () => new Uint8Array(8)),
      ),
    ).toBe('A0');
    const foreign = world.terminal('10000001', 'FFFF9876543219E00000').sale(2_000);
    const swapped = { ...sale.request, fields: sale.request.fields.with(53, foreign.ksn) };
    const mac = (foreign.bytes as Uint8Array).slice(-8);
    expect(
      await rawCode(
        terminal,
        packWithMac(swapped, codec, () => mac),
      ),
    ).toBe('A0');
    expect(world.host.ledger().entries).toEqual([]);
    expect(world.host.transactions()).toEqual([]);
    // The KSN was not used up by any of them.
    expect(await terminal.code(sale)).toBe('00');
  });

  it('covers every byte', async () => {
    const world = new World();
    const terminal = world.terminal();
    const { bytes } = terminal.sale(1_000);
    for (let at = 0; at < bytes.length; at++) {
      await terminal.exchangeRaw(flipped(bytes, at)).catch(() => undefined);
    }
    expect(world.host.ledger().entries).toEqual([]);
    expect(world.host.transactions()).toEqual([]);
  });

  it.each([
    ['absent', undefined],
    ['of an unknown key set', fromHex('AAAA9876543210E00001')],
    ['with counter zero', fromHex('FFFF9876543210E00000')],
    ['with eleven one bits', fromHex('FFFF9876543210E007FF')],
  ])('KSN %s', async (_, ksn) => {
    const world = new World();
    const terminal = world.terminal();
    const sale = terminal.sale(1_000);
    const changed = { ...sale.request, fields: sale.request.fields.with(53, ksn) };
    expect(
      await rawCode(
        terminal,
        packWithMac(changed, codec, () => new Uint8Array(8)),
      ),
    ).toBe('A0');
    expect(world.host.transactions()).toEqual([]);
  });
});

describe('the same message again', () => {
  it('gets the first answer byte for byte and is posted once, also after the batch has closed', async () => {
    const world = new World();
    const terminal = world.terminal();
    const sale = terminal.sale(1_000);
    const first = await terminal.exchangeRaw(sale.bytes);
    await world.clock.advance(90_000);
    const second = await terminal.exchangeRaw(sale.bytes);
    expect(toHex(second as Uint8Array)).toBe(toHex(first as Uint8Array));
    expect(world.host.ledger().entries).toHaveLength(1);
    expect(await terminal.settle(totals([1, 1_000]))).toBe('00');
    const third = await terminal.exchangeRaw(sale.bytes);
    expect(toHex(third as Uint8Array)).toBe(toHex(first as Uint8Array));
    expect(world.host.transactions()).toHaveLength(1);
  });

  it('with other content is a duplicate', async () => {
    const world = new World();
    const terminal = world.terminal();
    await terminal.code(terminal.sale(1_000, { 11: '000007', 62: '000003' }));
    expect(await terminal.code(terminal.sale(2_000, { 11: '000007', 62: '000003' }))).toBe('94');
    expect(await terminal.code(terminal.sale(2_000, { 11: '000007', 62: '000004' }))).toBe('00');
    expect(await terminal.settle(totals([2, 3_000]))).toBe('00');
    expect(await terminal.code(terminal.sale(2_000, { 11: '000007', 62: '000003' }))).toBe('00');
  });

  it('a KSN that comes with other data is refused', async () => {
    const world = new World();
    const terminal = world.terminal();
    const start = terminal.ksn;
    expect(await terminal.code(terminal.sale(1_000))).toBe('00');
    terminal.ksn = start;
    expect(await terminal.code(terminal.sale(1_000))).toBe('A0');
    expect(world.host.alarms().map(({ what }) => what)).toEqual(['ksn-reused']);
    expect(world.host.ledger().entries).toHaveLength(1);
  });

  it('a KSN may be overtaken by a few others, but not come from long ago', async () => {
    const world = new World();
    const terminal = world.terminal();
    const early = terminal.sale(100);
    expect(await terminal.code(terminal.sale(100))).toBe('00');
    expect(await terminal.code(early)).toBe('00');
    const old = terminal.sale(100);
    terminal.ksn = fromHex('FFFF9876543210E10000');
    expect(await terminal.code(terminal.sale(100))).toBe('00');
    expect(await terminal.code(old)).toBe('A0');
    expect(world.host.alarms().map(({ what }) => what)).toEqual(['ksn-went-back']);
    world.host.resetTerminal('10000001');
    expect(await terminal.code(terminal.sale(100, { 11: '000090' }))).toBe('00');
  });

  it('keys of one terminal do not serve another', async () => {
    const world = new World();
    const terminal = world.terminal();
    expect(await terminal.code(terminal.sale(100))).toBe('00');
    expect(await terminal.code(terminal.sale(100, { 41: '10000002' }))).toBe('58');
  });

  it('a refused message under a used KSN does not change the first answer', async () => {
    const world = new World();
    const terminal = world.terminal();
    const start = terminal.ksn;
    const sale = terminal.sale(100);
    const first = await terminal.exchangeRaw(sale.bytes);
    terminal.ksn = start;
    expect(await terminal.code(terminal.sale(100, { 41: '10000002' }))).toBe('58');
    terminal.ksn = start;
    expect(await terminal.code(terminal.sale(200))).toBe('A0');
    const again = await terminal.exchangeRaw(sale.bytes);
    expect(toHex(again as Uint8Array)).toBe(toHex(first as Uint8Array));
  });
});

describe('bytes that are no message', () => {
  it('a message that ends early is answered with a format error', async () => {
    const world = new World();
    const terminal = world.terminal();
    const { bytes } = terminal.sale(1_000);
    const answer = await terminal.exchange(bytes.subarray(0, bytes.length - 3));
    expect(answer?.fields[39]).toBe('30');
    expect(answer?.fields[11]).toBe('000001');
  });

  it.each([
    ['a length of zero', '0000'],
    ['a length over the limit', 'FFFF'],
    ['no TPDU', `000F${'00'.repeat(15)}`],
    ['no MTI', `00116000030000AAAA0000000000000000${'00'.repeat(2)}`],
  ])('%s closes the connection', async (_, hex) => {
    const world = new World();
    const terminal = world.terminal();
    const stream = await terminal.connect();
    await stream.write(fromHex(hex));
    expect(await world.run(stream.read(never))).toBeUndefined();
    expect(world.host.alarms()).toHaveLength(1);
  });

  it('an answer sent as a request is not answered', async () => {
    const world = new World();
    const terminal = world.terminal();
    expect(await terminal.exchange(terminal.plain('0210', { 3: '000000' }))).toBeUndefined();
  });

  it('a byte now and then does not hold a connection for ever', async () => {
    const world = new World();
    const terminal = world.terminal();
    const stream = await terminal.connect();
    const { bytes } = terminal.sale(1_000);
    const whole = frame(wrapMessage(profile, requestRouting(profile), bytes), profile.framing);
    await world.run(
      (async () => {
        for (let at = 0; at < 31; at++) {
          await stream.write(whole.subarray(at, at + 1)).catch(() => {});
          await sleep(world.clock, 1_000);
        }
        expect(await until(world.clock, world.clock.now() + 1, stream.read(never))).toBeUndefined();
        await expect(stream.write(Uint8Array.of(0))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      })(),
    );
    expect(world.host.transactions()).toEqual([]);
  });

  it('several messages in one chunk, and one in single bytes, are answered in order', async () => {
    const world = new World();
    const terminal = world.terminal();
    const stream = await terminal.connect();
    const sales: Sent[] = [terminal.sale(100), terminal.sale(200), terminal.sale(300)];
    const framed = sales.map(({ bytes }) =>
      frame(wrapMessage(profile, requestRouting(profile), bytes), profile.framing),
    );
    await stream.write(concat(framed[0] as Uint8Array, framed[1] as Uint8Array));
    for (const byte of framed[2] as Uint8Array) await stream.write(Uint8Array.of(byte));
    await world.run(
      (async () => {
        for (let i = 0; i < 3; i++) await stream.read(never);
        await stream.close();
      })(),
    );
    expect(world.host.batches()[0]?.totals.sales).toEqual({ count: 3, amountMinor: 600 });
  });

  it('2,000 mutations of good messages post nothing twice and never end the host', async () => {
    const world = new World();
    const terminal = world.terminal();
    const random = seededRandom('host mutations');
    const good = [
      terminal.sale(1_000).bytes,
      chipSale(terminal, { atc: 1, amountMinor: 500, pin: '1234' }).bytes,
      terminal.plain('0500', { 3: '920000', 60: '000001', 63: totals([0, 0]).padEnd(90, '0') }),
      terminal.plain('0320', {
        2: '6225880000000019',
        3: '000001',
        4: amount(1),
        60: '0200000001112112000001',
      }),
    ];
    for (let trial = 0; trial < 2_000; trial++) {
      const mutant = (good[random.below(good.length)] as Uint8Array).slice();
      mutant[random.below(mutant.length)] = random.below(256);
      const stream = await terminal.connect();
      await stream.write(frame(wrapMessage(profile, requestRouting(profile), mutant), profile.framing));
      await stream.close();
    }
    await world.run(Promise.resolve());
    expect(world.host.alarms().filter(({ what }) => what.startsWith('internal'))).toEqual([]);
    expect(world.host.ledger().entries.length).toBeLessThanOrEqual(2);
    expect(Object.values(world.host.ledger().balances).reduce((sum, balance) => sum + balance, 0)).toBe(0);
    expect(await rawCode(terminal, terminal.plain('0800', { 3: '990000' }))).toBe('00');
  });
});
