import { describe, expect, it } from 'vitest';
import { createCard, loadCard } from '../../../devices/cards/load.ts';
import type { CardFile } from '../../../devices/cards/schema.ts';
import { createVirtualReader, type VirtualReader } from '../../../devices/virtual/reader.ts';
import { fromHex, toHex } from '../../../src/platform/bytes.ts';
import { VirtualClock } from '../../../src/platform/clock.ts';
import { seededRandom } from '../../../src/platform/random.ts';
import type { CardChannel, CardInterface, Presentation } from '../../../src/ports/index.ts';
import { cardPath } from '../cards/hand.ts';

const ALL: readonly CardInterface[] = ['contact', 'contactless', 'stripe'];
const SELECT = fromHex('00A4040007A000000003101000');
const GPO = fromHex('80A8000002830000');
const VISA = 'A0000000031010';
const never = new AbortController().signal;

const card = (name: string) => createCard(loadCard(cardPath(name)), { random: seededRandom(name) });

function bench() {
  const clock = new VirtualClock(1000);
  return { clock, reader: createVirtualReader({ clock }) };
}

const present = (reader: VirtualReader, wanted = ALL) => reader.awaitPresentation(wanted, never, 60_000);

async function powered(reader: VirtualReader): Promise<CardChannel> {
  const presentation = await present(reader);
  if (presentation.kind !== 'card') throw new Error(presentation.kind);
  return presentation.channel;
}

/** What a wait ends with when `act` happens during it. */
async function during(act: (reader: VirtualReader) => void, wanted = ALL): Promise<Presentation> {
  const { reader } = bench();
  const wait = present(reader, wanted);
  act(reader);
  return wait;
}

describe('waiting for a card', () => {
  it('ends by a card in the slot, in the field, or swiped', async () => {
    const inserted = await during((reader) => reader.insert(card('visa-credit')));
    expect(inserted).toMatchObject({ kind: 'card', channel: { interface: 'contact' } });
    const tapped = await during((reader) => reader.tap(card('visa-contactless')));
    expect(tapped).toMatchObject({ kind: 'card', channel: { interface: 'contactless' } });
    const swiped = await during((reader) => reader.swipe(card('stripe-only')));
    expect(swiped).toMatchObject({ kind: 'stripe', tracks: { track2: expect.stringContaining('=') } });
  });

  it('tells mute chips, unreadable stripes, two cards and a cut cable', async () => {
    const mute = await during((reader) => reader.insert(card('visa-credit'), { mute: true }));
    expect(mute).toEqual({ kind: 'mute', interface: 'contact' });
    const without = await during((reader) => reader.insert(card('stripe-only')));
    expect(without).toEqual({ kind: 'mute', interface: 'contact' });
    const blank = await during((reader) => reader.swipe(card('visa-contactless')));
    expect(blank).toEqual({ kind: 'stripe', tracks: {} });
    const { reader } = bench();
    reader.tap(card('visa-contactless'));
    reader.tap(card('visa-contactless'));
    expect(await present(reader)).toEqual({ kind: 'collision' });
    expect(await during((hand) => hand.unplug())).toMatchObject({ kind: 'offline' });
  });

  it('sees a card that was there before, on wanted interfaces only', async () => {
    const { clock, reader } = bench();
    reader.insert(card('visa-credit'));
    const other = reader.awaitPresentation(['contactless', 'stripe'], never, 5000);
    expect(await clock.run(other)).toEqual({ kind: 'timeout' });
    expect((await present(reader)).kind).toBe('card');
  });

  it('does not notice a card without antenna', async () => {
    const { clock, reader } = bench();
    const wait = present(reader);
    reader.tap(card('visa-credit'));
    expect(await clock.run(wait)).toEqual({ kind: 'timeout' });
  });

  it('ends at the deadline, not before', async () => {
    const { clock, reader } = bench();
    const wait = reader.awaitPresentation(ALL, never, 31_000);
    expect(await clock.run(wait)).toEqual({ kind: 'timeout' });
    expect(clock.now()).toBe(31_000);
  });

  it('ends by the signal and leaves the reader idle', async () => {
    const { reader } = bench();
    const controller = new AbortController();
    const wait = reader.awaitPresentation(ALL, controller.signal, 60_000);
    controller.abort();
    await expect(wait).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(reader.awaitPresentation(ALL, controller.signal, 60_000)).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    reader.insert(card('visa-credit'));
    expect((await present(reader)).kind).toBe('card');
  });

  it('is for one at a time', async () => {
    const { reader } = bench();
    const first = present(reader);
    await expect(present(reader)).rejects.toMatchObject({ code: 'STATE' });
    reader.insert(card('visa-credit'));
    expect((await first).kind).toBe('card');
  });
});

describe('removal', () => {
  it('is seen at once, or at the deadline not yet', async () => {
    const { clock, reader } = bench();
    expect(await reader.awaitRemoval(never, 5000)).toBe(true);
    reader.insert(card('visa-credit'));
    expect(await clock.run(reader.awaitRemoval(never, 5000))).toBe(false);
    const wait = reader.awaitRemoval(never, 60_000);
    reader.remove();
    expect(await wait).toBe(true);
  });

  it('ends all exchanges', async () => {
    const { reader } = bench();
    reader.insert(card('visa-credit'));
    const channel = await powered(reader);
    reader.remove();
    expect(await channel.transmit(SELECT, never)).toEqual({ kind: 'fault', fault: 'removed' });
  });
});

describe('exchanges', () => {
  it('move commands and answers', async () => {
    const { reader } = bench();
    reader.insert(card('visa-credit'));
    const channel = await powered(reader);
    expect(toHex(channel.answerToReset)).toMatch(/^3B/);
    const exchange = await channel.transmit(SELECT, never);
    expect(exchange.kind === 'response' && toHex(exchange.response.subarray(-2))).toBe('9000');
    await channel.release();
    expect(await channel.transmit(SELECT, never)).toMatchObject({ fault: 'removed' });
  });

  it('are torn before or after the card executed them', async () => {
    for (const [when, atc] of [
      ['before', 1],
      ['after', 2],
    ] as const) {
      const { reader } = bench();
      const visa = card('visa-credit');
      reader.tearAt(1, when);
      reader.insert(visa);
      const channel = await powered(reader);
      expect((await channel.transmit(SELECT, never)).kind).toBe('response');
      expect(await channel.transmit(GPO, never)).toEqual({ kind: 'fault', fault: 'removed' });
      expect(await channel.transmit(GPO, never)).toEqual({ kind: 'fault', fault: 'removed' });
      expect(visa.state().applications[VISA]?.atc).toBe(atc);
      expect(await reader.awaitRemoval(never, 1000)).toBe(true);
    }
  });

  it('are lost when they are cancelled, and never reach the card', async () => {
    const { reader } = bench();
    const visa = card('visa-credit');
    reader.insert(visa);
    const channel = await powered(reader);
    await channel.transmit(SELECT, never);
    expect(await channel.transmit(GPO, AbortSignal.abort())).toEqual({ kind: 'fault', fault: 'lost' });
    expect(visa.state().applications[VISA]?.atc).toBe(1);
  });

  it('end as garbled when a card answers less than a status word', async () => {
    const { reader } = bench();
    const file: CardFile = { kind: 'replay', interface: 'contact', exchanges: [], unmatched: 'fail' };
    reader.insert(createCard(file, { random: seededRandom(1) }));
    const channel = await powered(reader);
    expect(await channel.transmit(SELECT, never)).toEqual({ kind: 'fault', fault: 'protocol' });
    expect(await channel.transmit(SELECT, never)).toEqual({ kind: 'fault', fault: 'removed' });
  });

  it('are lost when a second card comes into the field', async () => {
    const { reader } = bench();
    reader.tap(card('visa-contactless'));
    const channel = await powered(reader);
    reader.tap(card('visa-contactless'));
    expect(await channel.transmit(SELECT, never)).toMatchObject({ kind: 'fault' });
  });
});
