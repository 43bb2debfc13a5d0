import { describe, expect, it } from 'vitest';
import { approve, type Exchange, type Fields, type Reaction, refuse, silence } from './foreign-host.ts';
import { ANSWER_MS, LineWorld } from './world.ts';

type Options = Parameters<Exchange['answer']>[1];

const altered =
  (fields: Fields, options?: Options): Reaction =>
  (exchange) =>
    exchange.reply(fields, options);

/** A stray is passed over: the terminal waits on until its own time is up. */
const STRAYS: [what: string, fields: Fields, options: Options][] = [
  ['another MTI', {}, { mti: '0230' }],
  ['another processing code', { 3: '200000' }, undefined],
  ['no processing code', { 3: undefined }, undefined],
  ['another amount', { 4: '000000000999' }, undefined],
  ['no amount', { 4: undefined }, undefined],
  ['another STAN', { 11: '000002' }, undefined],
  ['no STAN', { 11: undefined }, undefined],
  ['another terminal', { 41: '10000002' }, undefined],
  ['no terminal', { 41: undefined }, undefined],
  ['another merchant', { 42: '898310048160002' }, undefined],
  ['another currency', { 49: '840' }, undefined],
];

describe('an answer that does not belong to the request', () => {
  it.each(STRAYS)('%s: ignored with an alarm, then reversed', async (_, fields, options) => {
    const world = await LineWorld.start();
    const start = world.clock.now();
    world.host.react(altered(fields, options));
    const result = await world.authorise();
    expect(result).toMatchObject({ kind: 'no-answer', reason: 'timeout' });
    expect(world.clock.now() - start).toBe(ANSWER_MS);
    expect(world.alarms().join()).toMatch(/answer ignored/);
    const id = world.end(result);
    expect([world.state(id), world.due()]).toEqual(['MUST_REVERSE', ['reversal']]);
  });

  it.each(STRAYS)('%s: the right one after it is taken', async (_, fields, options) => {
    const world = await LineWorld.start();
    world.host.react(async (exchange) => {
      await exchange.reply(fields, options);
      await exchange.reply();
    });
    expect(world.state(await world.sale())).toBe('APPROVED');
  });
});

describe('an answer that cannot be trusted', () => {
  it.each([
    ['wrong MAC', {}, { mac: 'wrong' }, 'mac'],
    ['no MAC field', {}, { mac: 'none' }, 'mac'],
    ['unknown response code', { 39: 'Q7' }, undefined, 'unknown-code'],
    ['no response code', { 39: undefined }, undefined, 'unknown-code'],
    ['approved without approval code', { 38: undefined }, undefined, 'no-approval-code'],
    ['approved with a blank approval code', { 38: '      ' }, undefined, 'no-approval-code'],
    ['partly approved', { 39: '10' }, undefined, 'partial-amount'],
  ] as const)('%s: no answer, and a reversal', async (_, fields, options, reason) => {
    const world = await LineWorld.start();
    world.host.react(altered(fields, options));
    const result = await world.authorise();
    expect(result).toMatchObject({ kind: 'no-answer', reason });
    const id = world.end(result);
    await world.drain();
    expect([world.state(id), world.due()]).toEqual(['REVERSED', []]);
    expect(world.host.of('0400')).toHaveLength(1);
  });

  it.each([
    ['05', 'DECLINED'],
    ['00', 'APPROVED'],
    ['11', 'APPROVED'],
    ['68', 'DECLINED'],
    ['91', 'DECLINED'],
  ])('%s says what it says: %s, nothing to reverse', async (code, state) => {
    const world = await LineWorld.start();
    world.host.react(code === '00' || code === '11' ? altered({ 39: code }) : refuse(code));
    expect([world.state(await world.sale()), world.due()]).toEqual([state, []]);
  });
});

describe('the moment of an answer', () => {
  const after =
    (ms: number): Reaction =>
    async (exchange) => {
      await exchange.sleep(ms);
      await exchange.reply();
    };

  it.each([
    ['1 ms before the limit', ANSWER_MS - 1, 'APPROVED'],
    ['1 ms after it', ANSWER_MS + 1, 'MUST_REVERSE'],
    ['a minute after it', ANSWER_MS + 60_000, 'MUST_REVERSE'],
  ])('%s', async (_, ms, state) => {
    const world = await LineWorld.start();
    world.host.react(after(ms));
    const id = await world.sale();
    expect(world.state(id)).toBe(state);
    await world.clock.advance(120_000);
    // An approval that comes late is nobody's answer any more.
    expect(world.state(id)).toBe(state);
    await world.drain();
    expect(world.host.of('0400')).toHaveLength(state === 'APPROVED' ? 0 : 1);
  });

  it('twice counts once', async () => {
    const world = await LineWorld.start();
    world.host.react(async (exchange) => {
      await exchange.reply();
      await exchange.reply();
    });
    const ids = [await world.sale(), await world.sale()];
    expect(ids.map((id) => world.state(id))).toEqual(['APPROVED', 'APPROVED']);
  });

  it('swapped with that of another request is no answer for either', async () => {
    const world = await LineWorld.start({ repeats: 1 });
    let first: Uint8Array | undefined;
    world.host.react(
      (exchange) => {
        first = exchange.answer();
      },
      // The reversal of the first sale.
      approve,
      (exchange) => exchange.send(first as Uint8Array),
    );
    const lost = await world.sale();
    await world.drain();
    const second = await world.sale();
    expect([world.state(lost), world.state(second)]).toEqual(['REVERSED', 'MUST_REVERSE']);
  });

  it('never coming leaves one reversal, whatever the timers do', async () => {
    const world = await LineWorld.start();
    world.host.react(silence);
    const id = await world.sale();
    await world.clock.advance(3 * 86_400_000);
    expect([world.state(id), world.due()]).toEqual(['MUST_REVERSE', ['reversal']]);
  });
});
