import { describe, expect, it } from 'vitest';
import type { EmulatedCard } from '../../../devices/cards/card.ts';
import { encodeFrame } from '../../../devices/ccid/frames.ts';
import { type CcidMessage, COMMAND, command } from '../../../devices/ccid/messages.ts';
import { type CcidSimulatorOptions, createCcidSimulator } from '../../../devices/ccid/simulator.ts';
import { memoryPair } from '../../../devices/transport/memory.ts';
import { fromHex, toHex } from '../../../src/platform/bytes.ts';
import { NEVER, VirtualClock } from '../../../src/platform/clock.ts';
import { sessions } from './transcript.ts';

const FCI = '6F1A840E315041592E5359532E4444463031A5088801015F2D02656E9000';

/** The card of the recorded sessions: it knows the payment directory and nothing else. */
function recordedCard(atr: string): EmulatedCard {
  return {
    kind: 'replay',
    state: () => {
      throw new Error('not asked for');
    },
    restore: () => {},
    contact: {
      interface: 'contact',
      answerToReset: fromHex(atr),
      reset: () => {},
      respond: (bytes) => {
        const text = toHex(bytes);
        if (text.startsWith('00A404000E315041592E5359532E4444463031')) return fromHex(FCI);
        return fromHex(text.startsWith('00A4') ? '6A82' : '6D00');
      },
    },
  };
}

const T0_CARD = recordedCard('3B6800000073C84012009000');
const T1_CARD = recordedCard('3BF81300008131FE454A434F5076323431B7');

function rig(options: Partial<CcidSimulatorOptions> = {}, present?: EmulatedCard) {
  const clock = new VirtualClock(0);
  const simulator = createCcidSimulator({ clock, ...options });
  if (present !== undefined) simulator.insert(present);
  const [host, device] = memoryPair(clock);
  void simulator.serve(device);
  let heard = '';
  const listen = async () => {
    for (;;) {
      const chunk = await host.read(NEVER);
      if (chunk === undefined) return;
      heard += toHex(chunk);
    }
  };
  void listen();
  /** What the device says within a second, after `bytes` were sent. */
  const say = async (bytes: Uint8Array): Promise<string> => {
    heard = '';
    await host.write(bytes);
    await clock.advance(1000);
    return heard;
  };
  return { clock, simulator, host, say, ask: (message: CcidMessage) => say(encodeFrame(message)) };
}

describe('the recorded sessions of a public driver', () => {
  it.each(['T=0', 'T=1'])('are answered to the byte: %s', async (name) => {
    const card = name === 'T=0' ? T0_CARD : T1_CARD;
    // A card that lies in the slot when the reader is switched on has not moved.
    const { simulator, say } = rig({}, name === 'T=0' ? card : undefined);
    if (name === 'T=1') simulator.fault('nak');
    const rows = sessions().get(name) ?? [];
    expect(rows.length).toBeGreaterThan(150);
    for (let i = 0; i < rows.length; ) {
      const row = rows[i++];
      if (row?.comment.startsWith('card ins')) simulator.insert(card);
      if (row?.comment.startsWith('card rem')) simulator.remove();
      if (row?.direction !== 'H>D') continue;
      let expected = '';
      for (; rows[i]?.direction === 'D>H'; i++) expected += toHex(rows[i]?.bytes ?? fromHex(''));
      expect(`${i}: ${await say(row.bytes)}`).toBe(`${i}: ${expected}`);
    }
  });
});

const STATUS = command(COMMAND.slotStatus, 2);
const STATUS_FRAME = toHex(encodeFrame(STATUS));

describe('the simulated reader', () => {
  it('echoes unless told otherwise', async () => {
    expect(await rig().ask(STATUS)).toBe(`${STATUS_FRAME}03068100000000000202000084`);
    expect(await rig({ echo: false }).ask(STATUS)).toBe('03068100000000000202000084');
  });

  it('tells movements at once until it is told to wait for a command', async () => {
    const { simulator, say, ask } = rig();
    simulator.insert(T0_CARD);
    expect(await say(fromHex(''))).toBe('5003');
    await ask(command(COMMAND.escape, 1, fromHex('010101')));
    simulator.remove();
    expect(await say(fromHex(''))).toBe('');
    expect(await ask(STATUS)).toBe(`${STATUS_FRAME}500203068100000000000202000084`);
  });

  it('refuses a damaged command and does not execute it', async () => {
    const { simulator, say, ask } = rig({ echo: false }, T0_CARD);
    await ask(command(COMMAND.powerOn, 1));
    const damaged = encodeFrame(command(COMMAND.transfer, 2, fromHex('80CA9F1700')));
    damaged[damaged.length - 1] = (damaged.at(-1) as number) ^ 1;
    expect(await say(damaged)).toBe('031516');
    expect(simulator.state().executed).toBe(0);
    expect(await ask(command(COMMAND.transfer, 3, fromHex('80CA9F1700')))).toMatch(
      /^0306800200000000030000006D00/,
    );
    expect(simulator.state().executed).toBe(1);
  });

  it('forgets the beginning of a frame after a silence', async () => {
    const { say, ask } = rig({ echo: false });
    expect(await say(fromHex('03066B'))).toBe('');
    expect(await ask(STATUS)).toBe('03068100000000000202000084');
  });

  it.each([
    ['ignore', ''],
    ['nak', '031516'],
    ['no-answer', STATUS_FRAME],
    ['no-echo', '03068100000000000202000084'],
    ['bad-check', `${STATUS_FRAME}03068100000000000202000085`],
    ['time-requests', `${STATUS_FRAME}80808003068100000000000202000084`],
  ] as const)('can do wrong once: %s', async (fault, said) => {
    const { simulator, ask } = rig();
    simulator.fault(fault);
    expect(await ask(STATUS)).toBe(said);
    expect(await ask(STATUS)).toBe(`${STATUS_FRAME}03068100000000000202000084`);
  });

  it.each([
    ['power without a card', command(COMMAND.powerOn, 1), /^03068000000000000142FE/],
    ['a transfer without power', command(COMMAND.transfer, 1, fromHex('00')), /^03068000000000000142FE/],
    [
      'a protocol that is none',
      command(COMMAND.setParameters, 1, fromHex('00'), [2, 0, 0]),
      /^0306820000000000014207/,
    ],
    ['an unknown command', command(0x7e, 1), /^0306810000000000014200/],
    ['an unknown escape', command(COMMAND.escape, 1, fromHex('99')), /^030683000000000001420A/],
  ])('fails %s', async (_name, message, said) => {
    expect(await rig({ echo: false }).ask(message)).toMatch(said);
  });

  it('finds a card mute that gives no answer to reset', async () => {
    const { simulator, ask } = rig({ echo: false });
    simulator.insert(T0_CARD, { mute: true });
    expect(await ask(command(COMMAND.powerOn, 1))).toMatch(
      /^500303068000000000000141FE|^03068000000000000141FE/,
    );
  });

  it('starts anew after its cable was pulled', async () => {
    const { clock, simulator, host } = rig({ echo: false }, T0_CARD);
    await simulator.unplug();
    await expect(host.write(fromHex('00'))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(simulator.state()).toMatchObject({ plugged: false, card: true });
    simulator.replug();
    const [again, device] = memoryPair(clock);
    void simulator.serve(device);
    await again.write(encodeFrame(STATUS));
    await clock.advance(10);
    expect(toHex((await again.read(NEVER)) ?? fromHex(''))).toBe('03068100000000000201000087');
  });
});
