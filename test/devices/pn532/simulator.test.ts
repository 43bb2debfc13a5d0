import { describe, expect, it } from 'vitest';
import { COMMAND } from '../../../devices/pn532/commands.ts';
import { encodeFrame, HOST_TO_CHIP } from '../../../devices/pn532/frames.ts';
import { createPn532Simulator, type Pn532SimulatorOptions } from '../../../devices/pn532/simulator.ts';
import { memoryPair } from '../../../devices/transport/memory.ts';
import { concat, fromHex, toHex } from '../../../src/platform/bytes.ts';
import { NEVER, until, VirtualClock } from '../../../src/platform/clock.ts';
import { seededRandom } from '../../../src/platform/random.ts';
import { replay, SELECT_PPSE } from './bench.ts';
import { SESSIONS } from './libnfc-sessions.ts';

const ACK = '0000FF00FF00';
const PPSE_ANSWER = '6F23840E325041592E5359532E4444463031A511BF0C0E610C4F07A00000000310108701019000';

/** Another program's end of the line. */
function host(options: Partial<Pn532SimulatorOptions> = {}) {
  const clock = new VirtualClock(0);
  const simulator = createPn532Simulator({ clock, ...options });
  const [mine, device] = memoryPair(clock);
  void simulator.serve(device);
  /** What comes back until the line has been silent for a while. */
  const say = async (hex: string, silenceMs = 60) => {
    await mine.write(fromHex(hex));
    let heard = '';
    for (;;) {
      const waiting = new AbortController();
      const reading = mine.read(waiting.signal).catch(() => undefined);
      const chunk = await clock.run(until(clock, clock.now() + silenceMs, reading));
      waiting.abort();
      if (chunk === undefined) return heard;
      heard += toHex(chunk);
    }
  };
  /** The answer to a command, without its ACK. */
  const ask = async (payload: string) => {
    const heard = await say(toHex(encodeFrame(HOST_TO_CHIP, fromHex(payload))));
    return heard.startsWith(ACK) ? heard.slice(ACK.length) : heard;
  };
  const wake = () => say('5555000000000000000000000000000000000000FF03FDD414011700');
  return { clock, simulator, mine, say, ask, wake };
}

const emulated = () => replay({ [SELECT_PPSE]: PPSE_ANSWER });
const steps = (session: string) =>
  session
    .trim()
    .split('\n')
    .map((line) => line.split('>').map((hex) => hex.trim()) as [string, string]);

describe('sessions of libnfc are answered to the byte', () => {
  it.each(['list', 'poll', 'interrupted', 'raw'] as const)('%s', async (name) => {
    const { simulator, say } = host();
    if (name !== 'interrupted') simulator.tap(emulated());
    const session = steps(SESSIONS[name] ?? '');
    expect(session.length).toBeGreaterThan(10);
    for (const [i, [sent, answered]] of session.entries()) {
      if (name === 'poll' && answered.includes('D54301') && sent.includes('D442B2')) simulator.remove();
      expect([i, sent, await say(sent)]).toEqual([i, sent, answered]);
    }
  });
});

describe('the chip', () => {
  it('sleeps until 55 wakes it, and then hears SAMConfiguration only', async () => {
    const { say, simulator } = host();
    expect(await say('0000FF02FED4022A00')).toBe('');
    expect(simulator.state().awake).toBe(false);
    expect(await say('5500')).toBe('');
    expect(await say('0000FF02FED4022A00')).toBe('');
    expect(await say('0000FF03FDD414011700')).toBe(`${ACK}0000FF02FED5151600`);
    expect(await say('0000FF02FED4022A00')).toBe(`${ACK}0000FF06FAD50332010607E800`);
  });

  it('sleeps after PowerDown until 55 wakes it, and hears everything then', async () => {
    const { simulator, ask, say, wake } = host();
    await wake();
    simulator.tap(emulated());
    await ask('4A0100');
    expect(await ask('16F0')).toBe('0000FF03FDD517001400');
    expect(simulator.state()).toMatchObject({ awake: false, field: false });
    expect(await ask('02')).toBe('');
    expect(await say('555500 0000FF02FED4022A00')).toContain('D50332010607');
  });

  it('waits for a card for ever until it is told how often to try', async () => {
    const { clock, simulator, mine, ask, wake, say } = host();
    await wake();
    expect(await say('0000FF04FCD44A0100E100', 3_600_000)).toBe(ACK);
    simulator.tap(emulated());
    expect(toHex((await clock.run(mine.read(NEVER))) as Uint8Array)).toContain('D54B0101');
    simulator.remove();
    expect(await ask('3205000102')).toContain('D533');
    expect(await ask('4A0100')).toBe('0000FF03FDD54B00E000');
  });

  it('takes a new command at once when the running one is stopped', async () => {
    const { simulator, say, wake } = host();
    await wake();
    expect(await say('0000FF04FCD44A0100E100')).toBe(ACK);
    expect(await say(`${ACK}0000FF02FED4022A00`)).toBe(`${ACK}0000FF06FAD50332010607E800`);
    simulator.tap(emulated());
    expect(await say('')).toBe('');
  });

  it('repeats its last answer after NACK', async () => {
    const { say, wake } = host();
    await wake();
    await say('0000FF02FED4022A00');
    expect(await say('0000FFFF0000')).toBe('0000FF06FAD50332010607E800');
  });

  it.each([
    ['silent', ''],
    ['nack', '0000FFFF0000'],
  ] as const)('is %s when a sum is wrong', async (badSum, answer) => {
    const { say, wake } = host({ badSum });
    await wake();
    expect(await say('0000FF02FED4022B00')).toBe(answer);
  });

  it.each([
    '99',
    '4A',
    '4A0300',
    '4A0109',
    '06',
    '0763',
    '0863',
    '52',
    '12',
    '3205',
    '32',
    '60',
    '40',
    '0005',
  ])('gives the error frame to %s', async (command) => {
    const { ask, wake } = host();
    await wake();
    expect(await ask(command)).toBe('0000FF01FF7F8100');
  });

  it('forgets a begun frame after a silence', async () => {
    const { clock, say, wake } = host();
    await wake();
    expect(await say('0000FFFE02D440', 20)).toBe('');
    await clock.advance(100);
    expect(await say('0000FF02FED4022A00')).toContain('D50332010607');
  });

  it('has registers that read back what was written, and tells its state', async () => {
    const { simulator, ask, wake } = host();
    await wake();
    simulator.tap(emulated());
    expect(await ask('086302806303')).toBe('0000FF01FF7F8100');
    expect(await ask('08630283633D07')).toContain('D509');
    expect(await ask('066302633D6303')).toContain('D507830700');
    expect(await ask('04')).toContain('D50500000000');
    await ask('4A0200');
    expect(await ask('04')).toContain('D50500010101000000');
  });

  it('sends bare frames when it is told to', async () => {
    const { ask, wake } = host();
    await wake();
    expect(await ask('1254')).toBe('00FF02FED51318');
  });
});

describe('any command', () => {
  it('is answered or refused, and the chip is well afterwards', async () => {
    const random = seededRandom('commands');
    const codes = Object.values(COMMAND);
    const { simulator, ask, say, wake } = host({ lookMs: 1 });
    await wake();
    simulator.tap(emulated());
    for (let trial = 0; trial < 600; trial++) {
      const code = codes[random.below(codes.length)] as number;
      const payload = concat(
        Uint8Array.of(code),
        random.bytes(random.below(8) === 0 ? 263 : random.below(6)),
      );
      const heard = await say(toHex(encodeFrame(HOST_TO_CHIP, payload)), 20);
      if (!simulator.state().awake) await say('55');
      else expect(heard.replace(/^0000FF00FF00/, '')).toMatch(/^((00)?00FF.*(00)?)?$/);
    }
    await wake();
    await ask('1214');
    expect(await ask('02')).toBe('0000FF06FAD50332010607E800');
  });

  it('in pieces without end overflows', async () => {
    const { simulator, ask, wake } = host();
    await wake();
    simulator.tap(emulated());
    await ask('4A0100');
    const piece = `4041${'00'.repeat(262)}`;
    let answer = '';
    for (let count = 0; count < 260 && !answer.includes('D5410E'); count++) answer = await ask(piece);
    expect(answer).toContain('D5410E');
    expect(simulator.state().executed).toBe(0);
  });
});

describe('cards in the field', () => {
  it('are listed by type, with and without ATS, two at a time', async () => {
    const { simulator, ask, wake } = host();
    await wake();
    await ask('3205000102');
    simulator.tap(emulated(), { type: 'B', uid: fromHex('11223344') });
    expect(await ask('4A0100')).toContain('D54B00');
    expect(await ask('4A010300')).toContain('D54B01015011223344000000000081810100');
    simulator.tap(emulated());
    simulator.tap(emulated(), { uid: fromHex('04112233445566') });
    const ats = '0A78808102454D554C41';
    expect(await ask('4A0200')).toContain('D54B020100042004');
    await ask('1204');
    expect(await ask('4A0200')).not.toContain(ats);
    await ask('1214');
    expect(await ask('4A01008804112233445566')).toContain(`0704112233445566${ats}`);
  });

  it('lose their state with their power, and a random UID with it', async () => {
    const { simulator, ask, wake } = host();
    await wake();
    simulator.tap(emulated(), { uid: 'random' });
    const uid = async () => (await ask('4A0100')).slice(26, 34);
    const first = await uid();
    expect(first).toMatch(/^08/);
    expect(await uid()).toBe(first);
    await ask('320100');
    expect(await ask('400100B0000000')).toContain('D54127');
    await ask('320101');
    expect(await uid()).not.toBe(first);
  });

  it('answer in pieces, and take commands in pieces', async () => {
    const { simulator, ask, wake } = host();
    await wake();
    const long = `${'5A'.repeat(600)}9000`;
    const command = `00D6000000012C${'77'.repeat(300)}`;
    simulator.tap(replay({ '00B00000000258': long, [command]: '9000' }));
    await ask('4A0100');
    const pieces = [await ask('400100B00000000258'), await ask('4001'), await ask('4001')];
    expect(pieces[0]).toMatch(/^0000FFFFFF0109F6D54140/);
    const data = pieces.map((frame, i) => frame.slice(i < 2 ? 22 : 16, -4));
    expect(data.join('')).toBe(long);
    expect(await ask(`4041${command.slice(0, 524)}`)).toContain('D54100');
    expect(await ask(`4001${command.slice(524)}`)).toContain('D541009000');
    expect(simulator.state().executed).toBe(2);
  });
});
