import { describe, expect, it } from 'vitest';
import { createPn532Reader } from '../../../devices/pn532/driver.ts';
import { createPn532Simulator } from '../../../devices/pn532/simulator.ts';
import { memoryPair } from '../../../devices/transport/memory.ts';
import { simulatorDialler } from '../../../devices/transport/simulator-dialler.ts';
import { concat, fromHex, toHex } from '../../../src/platform/bytes.ts';
import { NEVER, VirtualClock } from '../../../src/platform/clock.ts';
import { seededRandom } from '../../../src/platform/random.ts';
import type { ByteStream, Dialler } from '../../../src/ports/index.ts';
import { bench, card, channelOf, opened, presented, replay, SELECT_PPSE, send, told } from './bench.ts';

/** Commands that were written since, each as command code and data. */
const commands = (written: readonly string[]) =>
  written
    .filter((hex) => hex.startsWith('0000FF') && hex !== '0000FF00FF00' && hex !== '0000FFFF0000')
    .map((hex) => (hex.startsWith('0000FFFFFF') ? hex.slice(18, -4) : hex.slice(12, -4)));

describe('opening', () => {
  it('wakes the chip, asks who it is, and bounds its patience before anything else', async () => {
    const { reader, written, simulator } = await opened();
    expect(reader.identity).toEqual({ ic: 0x32, version: 1, revision: 6, support: 7 });
    expect(written[0]).toMatch(/^5555(00)+$/);
    expect(commands(written)).toEqual(['14011401', '02', '14011401', '3205000102', '1214', '5200', '320100']);
    expect(simulator.state()).toMatchObject({ awake: true, field: false });
  });

  it.each([
    ['another chip', { firmware: fromHex('33010607') }, 'the device is no PN532 (sim)'],
    ['an answer that is too short', { firmware: fromHex('3201') }, 'the device is no PN532 (sim)'],
  ])('refuses %s', async (_, simulator, reason) => {
    const { clock, reader } = bench({ simulator });
    expect(await clock.run(reader.open(NEVER, 5000))).toEqual({ kind: 'failed', reason });
    expect(reader.isOnline).toBe(false);
  });

  it('tells that nobody answers, that there is no line, or that time is over', async () => {
    const deaf = bench();
    deaf.simulator.fault('ignore', 1000);
    expect(await deaf.clock.run(deaf.reader.open(NEVER, 5000))).toMatchObject({
      reason: 'no PN532 answers (sim)',
    });
    const hasty = bench();
    hasty.simulator.fault('ignore', 1000);
    expect(await hasty.clock.run(hasty.reader.open(NEVER, 300))).toMatchObject({
      reason: 'no answer in time (sim)',
    });
    expect(hasty.clock.now()).toBeLessThan(1000);
    const absent = bench();
    await absent.simulator.unplug();
    expect(await absent.clock.run(absent.reader.open(NEVER, 5000))).toMatchObject({
      reason: 'no such device (sim)',
    });
  });

  it('is cancelled', async () => {
    const { clock, reader, simulator } = bench();
    simulator.fault('ignore', 1000);
    const controller = new AbortController();
    const opening = reader.open(controller.signal, 5000);
    clock.after(100, () => controller.abort());
    await expect(clock.run(opening)).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(clock.now()).toBeLessThan(200);
    expect(await clock.run(reader.open(NEVER, 5000))).toMatchObject({ reason: 'no PN532 answers (sim)' });
  });
});

describe('waiting for a card', () => {
  it('looks for both types, two cards each, and lists a single card once more', async () => {
    const made = await opened();
    made.written.length = 0;
    const waiting = presented(made);
    made.clock.after(100, () => made.simulator.tap(card()));
    const presentation = await waiting;
    expect(presentation).toMatchObject({ kind: 'card', channel: { interface: 'contactless' } });
    const sent = commands(made.written);
    expect(sent.slice(0, 3)).toEqual(['320101', '4A0200', '4A020300']);
    expect(sent.slice(-2)).toEqual(['5200', '4A0200']);
    expect(presentation.kind === 'card' && toHex(presentation.channel.answerToReset)).toBe(
      '0D78808102504F5353554D3031',
    );
  });

  it('takes cards of type B', async () => {
    const made = await opened();
    made.simulator.tap(replay({ [SELECT_PPSE]: '9000' }), { type: 'B' });
    const channel = await channelOf(made);
    expect(await send(made, channel, SELECT_PPSE)).toBe('9000');
  });

  it.each([
    ['two of type A', ['A', 'A']],
    ['two of type B', ['B', 'B']],
    ['one of each', ['A', 'B']],
  ] as const)('tells that there are %s', async (_, types) => {
    const made = await opened();
    for (const type of types) made.simulator.tap(card(), { type });
    expect(await presented(made)).toEqual({ kind: 'collision' });
    expect(made.simulator.state()).toMatchObject({ field: false, executed: 0 });
    made.simulator.remove();
    made.simulator.tap(card());
    expect((await presented(made)).kind).toBe('card');
  });

  it('finds a card that was listed before only after a loss of power', async () => {
    const made = await opened({ simulator: { relistNeedsReset: true } });
    made.simulator.tap(replay({ [SELECT_PPSE]: '9000' }), { uid: 'random' });
    expect(await send(made, await channelOf(made), SELECT_PPSE)).toBe('9000');
  });

  it('tells a card that takes no APDUs', async () => {
    const made = await opened();
    made.simulator.tap(card(), { mute: true });
    expect(await presented(made)).toEqual({ kind: 'mute', interface: 'contactless' });
  });

  it('ends at its deadline with the field off', async () => {
    const made = await opened();
    const start = made.clock.now();
    expect(await presented(made, 5000)).toEqual({ kind: 'timeout' });
    expect(made.clock.now() - start).toBeGreaterThanOrEqual(5000);
    expect(made.clock.now() - start).toBeLessThan(5200);
    expect(made.simulator.state().field).toBe(false);
  });

  it('on other interfaces sees nothing', async () => {
    const { clock, reader, simulator } = await opened();
    simulator.tap(card());
    expect(await clock.run(reader.awaitPresentation(['contact'], NEVER, 500))).toEqual({ kind: 'timeout' });
  });

  it('is cancelled at any moment, and the chip is idle and ready again', async () => {
    for (let afterMs = 0; afterMs < 90; afterMs += 3) {
      const made = await opened();
      const controller = new AbortController();
      const waiting = made.reader.awaitPresentation(['contactless'], controller.signal, 60_000);
      made.clock.after(afterMs, () => controller.abort());
      await expect(made.clock.run(waiting)).rejects.toMatchObject({ code: 'CANCELLED' });
      expect(made.simulator.state().field).toBe(false);
      expect(made.clock.now()).toBeLessThan(afterMs + 20);
      made.simulator.tap(card());
      expect((await presented(made)).kind).toBe('card');
    }
  });

  it('stops a command that runs by an ACK frame', async () => {
    const made = await opened();
    const controller = new AbortController();
    const waiting = made.reader.awaitPresentation(['contactless'], controller.signal, 60_000);
    made.clock.after(5, () => controller.abort());
    await expect(made.clock.run(waiting)).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(made.written.slice(-3)[0]).toBe('0000FF00FF00');
  });

  it('is for one at a time, and for an open reader', async () => {
    const made = await opened();
    const first = made.reader.awaitPresentation(['contactless'], NEVER, 1000);
    await expect(made.reader.awaitRemoval(NEVER, 1000)).rejects.toMatchObject({ code: 'STATE' });
    await made.clock.run(first);
    const { reader } = bench();
    expect(await reader.awaitPresentation(['contactless'], NEVER, 1000)).toEqual({
      kind: 'offline',
      reason: 'not opened',
    });
  });
});

describe('removal', () => {
  it('is believed after three empty fields, whatever UID a telephone shows', async () => {
    const made = await opened();
    made.simulator.tap(card(), { uid: 'random' });
    await channelOf(made);
    expect(await made.clock.run(made.reader.awaitRemoval(NEVER, made.clock.now() + 2000))).toBe(false);
    made.clock.after(500, () => made.simulator.remove());
    made.written.length = 0;
    const start = made.clock.now();
    expect(await made.clock.run(made.reader.awaitRemoval(NEVER, start + 60_000))).toBe(true);
    expect(made.clock.now() - start).toBeGreaterThanOrEqual(500 + 3 * 10);
    expect(made.clock.now() - start).toBeLessThan(1000);
    const sent = commands(made.written).slice(-17);
    const round = ['5200', '320100', '320101', '4A0200', '4A020300'];
    expect(sent).toEqual([...round, ...round, ...round, '5200', '320100']);
    expect(made.simulator.state().field).toBe(false);
  });

  it('waits for cards of type B too', async () => {
    const made = await opened();
    made.simulator.tap(card(), { type: 'B' });
    expect(await made.clock.run(made.reader.awaitRemoval(NEVER, made.clock.now() + 1000))).toBe(false);
  });
});

describe('an exchange', () => {
  const long = `${'5A'.repeat(1000)}9000`;
  const command = `00D60000000${(600).toString(16).padStart(3, '0').toUpperCase()}${'77'.repeat(600)}`;

  it('goes in pieces both ways, through extended frames', async () => {
    const made = await opened();
    made.simulator.tap(replay({ [command]: long }));
    const channel = await channelOf(made);
    made.written.length = 0;
    expect(await send(made, channel, command)).toBe(long);
    expect(commands(made.written).map((hex) => [hex.slice(0, 4), hex.length / 2 - 2])).toEqual([
      ['4041', 262],
      ['4041', 262],
      ['4001', 83],
      ['4001', 0],
      ['4001', 0],
      ['4001', 0],
    ]);
    expect(made.simulator.state().executed).toBe(1);
  });

  it.each([261, 262, 263, 524, 525])('of %i bytes is whole', async (length) => {
    const made = await opened();
    const asked = toHex(new Uint8Array(length).fill(0x11));
    made.simulator.tap(replay({ [asked]: `${'22'.repeat(length - 2)}9000` }));
    expect(await send(made, await channelOf(made), asked)).toBe(`${'22'.repeat(length - 2)}9000`);
  });

  it('is a fault when the card gives less than a status word', async () => {
    for (const answer of ['', '90']) {
      const made = await opened();
      made.simulator.tap(replay({ [SELECT_PPSE]: answer }));
      const channel = await channelOf(made);
      expect(await send(made, channel, SELECT_PPSE)).toBe('protocol');
      expect(await send(made, channel, SELECT_PPSE)).toBe('removed');
      expect(made.simulator.state()).toMatchObject({ field: false, executed: 1 });
    }
  });

  it('is torn before or after the card executed it', async () => {
    for (const [tear, executed] of [
      [{ apdu: 1 }, 1],
      [{ apdu: 1, when: 'after' }, 2],
      [{ byte: 22 }, 1],
      [{ byte: 43 }, 2],
    ] as const) {
      const made = await opened();
      made.simulator.tear(tear);
      made.simulator.tap(replay({ [SELECT_PPSE]: '9000' }));
      const channel = await channelOf(made);
      expect(await send(made, channel, SELECT_PPSE)).toBe('9000');
      expect(await send(made, channel, SELECT_PPSE)).toBe('removed');
      expect(await send(made, channel, SELECT_PPSE)).toBe('removed');
      expect(made.simulator.state()).toMatchObject({ executed, field: false });
      expect(await made.clock.run(made.reader.awaitRemoval(NEVER, made.clock.now() + 1000))).toBe(true);
    }
  });

  it('that is cancelled is lost, and leaves the chip idle', async () => {
    const made = await opened();
    made.simulator.tap(replay({ [SELECT_PPSE]: '9000' }));
    const channel = await channelOf(made);
    made.simulator.fault('slow');
    const controller = new AbortController();
    const exchange = channel.transmit(fromHex(SELECT_PPSE), controller.signal);
    made.clock.after(700, () => controller.abort());
    expect(told(await made.clock.run(exchange))).toBe('lost');
    expect(made.simulator.state()).toMatchObject({ executed: 1, field: false });
    expect((await presented(made)).kind).toBe('card');
    const aborted = await made.clock.run(channel.transmit(fromHex(SELECT_PPSE), AbortSignal.abort()));
    expect(told(aborted)).toBe('removed');
  });

  it('ends in time when the card asks for time without end', async () => {
    const made = await opened();
    made.simulator.tap(replay({ [SELECT_PPSE]: '9000' }));
    const channel = await channelOf(made);
    made.simulator.fault('slow');
    const start = made.clock.now();
    expect(await send(made, channel, SELECT_PPSE)).toBe('lost');
    expect(made.clock.now() - start).toBeGreaterThanOrEqual(5000);
    expect(made.clock.now() - start).toBeLessThan(6000);
  });

  it('waits as long as the ATS allows, up to a limit', async () => {
    const made = await opened({
      reader: { settings: { exchangeMs: 1000, exchangeLimitMs: 12_000, maxRtyCom: 4 } },
    });
    expect(commands(made.written)).toContain('320404');
    made.simulator.tap(replay({}, '0578E0E002'));
    const channel = await channelOf(made);
    made.simulator.fault('slow');
    const start = made.clock.now();
    expect(await send(made, channel, SELECT_PPSE)).toBe('lost');
    expect(made.clock.now() - start).toBeGreaterThanOrEqual(12_000);
    expect(made.clock.now() - start).toBeLessThan(13_000);
  });

  it('is over after the release, which switches the field off', async () => {
    const made = await opened();
    made.simulator.tap(replay({ [SELECT_PPSE]: '9000' }));
    const channel = await channelOf(made);
    await made.clock.run(channel.release());
    expect(made.simulator.state().field).toBe(false);
    expect(await send(made, channel, SELECT_PPSE)).toBe('removed');
    await made.clock.run(channel.release());
    const next = await channelOf(made);
    await made.clock.run(channel.release());
    expect(await send(made, next, SELECT_PPSE)).toBe('9000');
  });
});

describe('a chip that errs', () => {
  it.each([
    ['no-ack', '9000', 1],
    ['bad-sum', '9000', 1],
    ['deny', 'lost', 0],
    ['noise', '9000', 1],
    ['ignore', 'lost', 0],
    ['silent', 'lost', 1],
    ['no-answer', 'lost', 1],
    ['other-answer', 'lost', 1],
    ['air-error', 'removed', 1],
    ['syntax-error', 'protocol', 0],
  ] as const)('with %s: %s, executed %i times', async (kind, outcome, executed) => {
    const made = await opened();
    made.simulator.tap(replay({ [SELECT_PPSE]: '9000' }));
    const channel = await channelOf(made);
    made.simulator.fault(kind);
    expect(await send(made, channel, SELECT_PPSE)).toBe(outcome);
    expect(made.simulator.state().executed).toBe(executed);
    expect(made.reader.isOnline).toBe(true);
    if (outcome !== '9000') expect(made.simulator.state().field).toBe(false);
    expect((await presented(made)).kind).toBe('card');
  });

  it('or a line that makes NACK of its ACK executes nothing twice', async () => {
    let isForging = false;
    const forging = (stream: ByteStream): ByteStream => ({
      ...stream,
      async read(signal) {
        const chunk = await stream.read(signal);
        return isForging && chunk && toHex(chunk) === '0000FF00FF00' ? fromHex('0000FFFF0000') : chunk;
      },
    });
    const made = await opened({ alter: forging });
    made.simulator.tap(replay({ [SELECT_PPSE]: '9000' }));
    const channel = await channelOf(made);
    isForging = true;
    expect(await send(made, channel, SELECT_PPSE)).toBe('9000');
    expect(made.simulator.state().executed).toBe(1);
  });

  it.each(['no-ack', 'bad-sum', 'deny', 'noise', 'ignore', 'silent', 'no-answer', 'other-answer'] as const)(
    'with %s in each command of a round: the card is found all the same',
    async (kind) => {
      for (let after = 0; after < 60; after += 4) {
        const made = await opened();
        made.clock.after(after, () => made.simulator.fault(kind));
        made.clock.after(80, () => made.simulator.tap(card()));
        expect((await presented(made)).kind).toBe('card');
      }
    },
  );

  it('too often is given up, and opened again when it is well', async () => {
    const made = await opened();
    made.simulator.fault('ignore', 12);
    expect(await presented(made)).toEqual({ kind: 'offline', reason: 'the device does not answer (sim)' });
    expect(await presented(made)).toMatchObject({ kind: 'offline' });
    await made.clock.advance(12_000);
    made.simulator.tap(card());
    expect((await presented(made)).kind).toBe('card');
  });
});

describe('the line', () => {
  it('that is cut is noticed at once, and opened again when it is back', async () => {
    const made = await opened();
    const waiting = presented(made);
    made.clock.after(100, () => void made.simulator.unplug());
    expect(await waiting).toEqual({ kind: 'offline', reason: 'the line is gone (sim)' });
    expect(made.clock.now()).toBeLessThan(200);
    await made.clock.advance(10_000);
    expect(made.reader.isOnline).toBe(false);
    made.simulator.replug();
    await made.clock.advance(2500);
    expect(made.reader.isOnline).toBe(true);
    made.simulator.tap(card());
    expect((await presented(made)).kind).toBe('card');
  });

  it('that is cut during an exchange loses it', async () => {
    const made = await opened();
    made.simulator.tap(replay({ [SELECT_PPSE]: '9000' }));
    const channel = await channelOf(made);
    made.simulator.fault('slow');
    const exchange = send(made, channel, SELECT_PPSE);
    made.clock.after(100, () => void made.simulator.unplug());
    expect(await exchange).toBe('lost');
    expect(await send(made, channel, SELECT_PPSE)).toBe('removed');
  });

  it('is missed by the heartbeat when it is silent', async () => {
    const made = await opened();
    made.simulator.fault('ignore', 1_000_000);
    await made.clock.advance(2000 + 2500);
    expect(made.reader.isOnline).toBe(false);
  });

  it('is opened again for the same device only', async () => {
    const clock = new VirtualClock(0);
    const first = createPn532Simulator({ clock });
    const second = createPn532Simulator({ clock, firmware: fromHex('32010403') });
    const lines = [simulatorDialler(first, clock), simulatorDialler(second, clock)];
    let dialled = 0;
    const dialler: Dialler = {
      address: 'sim',
      dial: (...when) => (lines[Math.min(dialled++, 1)] as Dialler).dial(...when),
    };
    const reader = createPn532Reader({ clock, dialler });
    await clock.run(reader.open(NEVER, 5000));
    await first.unplug();
    await clock.advance(3000);
    expect([reader.isOnline, dialled > 1]).toEqual([false, true]);
    expect(await reader.awaitPresentation(['contactless'], NEVER, 9000)).toEqual({
      kind: 'offline',
      reason: 'another device answers (sim)',
    });
  });

  it('is left idle and closed at the end, and not opened again', async () => {
    const made = await opened();
    made.simulator.tap(card());
    await channelOf(made);
    await made.clock.run(made.reader.close());
    expect(made.simulator.state().field).toBe(false);
    await made.clock.advance(10_000);
    expect(made.reader.isOnline).toBe(false);
    await expect(made.reader.open(NEVER, 5000)).rejects.toMatchObject({ code: 'STATE' });
  });

  it.each([1, 2, 5, 9, 14, 30])('carries 64 KiB of noise before its piece number %i', async (piece) => {
    const noisy = (stream: ByteStream): ByteStream => {
      let count = 0;
      return {
        ...stream,
        async read(signal) {
          const chunk = await stream.read(signal);
          if (chunk === undefined || ++count !== piece) return chunk;
          return concat(seededRandom(piece).bytes(65_536), fromHex('0000FFFFFF0109F6'), chunk);
        },
      };
    };
    const made = await opened({ alter: noisy });
    made.simulator.tap(replay({ [SELECT_PPSE]: '9000' }));
    const channel = await channelOf(made);
    for (let n = 0; n < 3; n++) {
      const answer = await send(made, channel, SELECT_PPSE);
      expect(answer).toMatch(/^(9000|lost|removed)$/);
    }
    expect(made.simulator.state().executed).toBeLessThanOrEqual(3);
    await made.clock.run(channel.release());
    expect(await send(made, await channelOf(made), SELECT_PPSE)).toBe('9000');
  });

  it.each([
    '0000FF00FF00',
    '0000FFFF0000',
    '0000FF01FF7F8100',
    '0000FF02FED5151700',
    '0000FF04FCD503320100F600',
  ])('that repeats %s for ever is no PN532', async (hex) => {
    const clock = new VirtualClock(0);
    const [host, device] = memoryPair(clock);
    const flood = () => {
      void device.write(fromHex(hex.repeat(50))).then(
        () => clock.after(1, flood, { background: true }),
        () => {},
      );
    };
    flood();
    const dialler: Dialler = { address: 'flood', dial: async () => ({ kind: 'connected', stream: host }) };
    const reader = createPn532Reader({ clock, dialler });
    expect(await clock.run(reader.open(NEVER, 20_000))).toMatchObject({ kind: 'failed' });
    expect(clock.now()).toBeLessThanOrEqual(20_000);
  });

  it('holds business time while an answer is on its way, and no longer', async () => {
    const business = new VirtualClock(5_000_000);
    const clock = new VirtualClock(0);
    const simulator = createPn532Simulator({ clock });
    const reader = createPn532Reader({
      clock: business,
      wireClock: clock,
      dialler: simulatorDialler(simulator, clock),
    });
    const both = async <T>(work: Promise<T>) => (await Promise.all([business.run(work), clock.run(work)]))[0];
    await both(reader.open(NEVER, 5000));
    expect(await both(reader.awaitPresentation(['contactless'], NEVER, business.now() + 100))).toEqual({
      kind: 'timeout',
    });
    expect(business.now()).toBe(5_000_100);
    simulator.tap(card());
    const presentation = await both(reader.awaitPresentation(['contactless'], NEVER, business.now() + 100));
    if (presentation.kind !== 'card') throw new Error(presentation.kind);
    simulator.fault('slow');
    business.after(1000, () => {});
    expect(told(await both(presentation.channel.transmit(fromHex(SELECT_PPSE), NEVER)))).toBe('lost');
    expect(business.now()).toBe(5_000_100);
    expect(clock.now()).toBeGreaterThan(5000);
  });
});
