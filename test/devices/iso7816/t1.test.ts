import { describe, expect, it } from 'vitest';
import { ExtensionBudget } from '../../../devices/iso7816/extension-budget.ts';
import {
  decodeBlock,
  encodeBlock,
  informationBlock,
  meaningOf,
  receiveBlock,
  supervisoryBlock,
  type T1Check,
} from '../../../devices/iso7816/t1-block.ts';
import { T1Card, type T1CardSettings } from '../../../devices/iso7816/t1-card.ts';
import {
  type T1Event,
  type T1Step,
  T1Terminal,
  type T1TerminalSettings,
} from '../../../devices/iso7816/t1-terminal.ts';
import { concat, fromHex, toHex } from '../../../src/platform/bytes.ts';
import { seededRandom } from '../../../src/platform/random.ts';

type Wire = (bytes: Uint8Array, towards: 'card' | 'terminal', n: number) => Uint8Array | undefined;

const SELECT = fromHex('00A404000E315041592E5359532E444446303100');
const clean: Wire = (bytes) => bytes;

interface World {
  readonly terminal: T1Terminal;
  readonly card: T1Card;
  readonly executed: Uint8Array[];
  readonly log: string[];
  run(command: Uint8Array, wire?: Wire): T1Step;
  announce(size: number): T1Step;
}

function world(
  options: {
    terminal?: Partial<T1TerminalSettings>;
    card?: Partial<T1CardSettings>;
    answer?: Uint8Array;
    fieldSize?: number;
  } = {},
): World {
  const executed: Uint8Array[] = [];
  const log: string[] = [];
  const fieldSize = options.fieldSize ?? 32;
  const terminal = new T1Terminal({
    budget: new ExtensionBudget(() => 0, 10),
    blockWaitingMs: 1600,
    cardFieldSize: fieldSize,
    ...options.terminal,
  });
  const card = new T1Card({
    respond: (command) => {
      executed.push(command);
      return options.answer ?? fromHex('9000');
    },
    fieldSize,
    ...options.card,
  });
  const play = (first: T1Step, wire: Wire): T1Step => {
    let step = first;
    for (let n = 0; step.kind === 'send'; n++) {
      if (n > 20_000) throw new Error('it does not end');
      log.push(`> ${toHex(step.block)}`);
      const arrived = wire(step.block, 'card', n);
      const said = arrived && card.take(arrived);
      const back = said && wire(said, 'terminal', n);
      log.push(back ? `< ${toHex(back)}` : '< -');
      step = terminal.take(back ? { kind: 'block', bytes: back } : { kind: 'silence' });
    }
    return step;
  };
  return {
    terminal,
    card,
    executed,
    log,
    run: (command, wire = clean) => play(terminal.command(command), wire),
    announce: (size) => play(terminal.announceFieldSize(size), clean),
  };
}

function damaged(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy[copy.length - 1] = (copy.at(-1) as number) ^ 1;
  return copy;
}

function done(step: T1Step): string {
  if (step.kind !== 'done') throw new Error(JSON.stringify(step));
  return toHex(step.response);
}

describe('T=1, both ends', () => {
  it('speaks as the public driver and card did', () => {
    const { announce, run, log } = world({ fieldSize: 0xfe, answer: fromHex('6D00') });
    announce(0xfe);
    run(fromHex('80CA9F1700'));
    run(fromHex('00A4000C023F00'));
    expect(log).toEqual([
      '> 00C101FE3E',
      '< 00E101FE1E',
      '> 00000580CA9F1700C7',
      '< 0000026D006F',
      '> 00400700A4000C023F00D2',
      '< 0040026D002F',
    ]);
  });

  it.each([
    [5, 2, 32],
    [32, 32, 32],
    [33, 33, 32],
    [261, 258, 32],
    [261, 258, 254],
    [261, 258, 1],
    [700, 1000, 16],
    [0, 2, 32],
  ])('chains %i bytes there and %i back in fields of %i', (there, back, fieldSize) => {
    const random = seededRandom(there);
    const command = random.bytes(there);
    const answer = random.bytes(back);
    const { run, announce, executed } = world({ fieldSize, answer });
    expect(done(announce(fieldSize))).toBe('');
    for (let round = 0; round < 3; round++) expect(done(run(command))).toBe(toHex(answer));
    expect(executed.map(toHex)).toEqual(Array(3).fill(toHex(command)));
  });

  it.each(['lrc', 'crc', 'crc-inverted'] as const)('uses the check code %s', (check: T1Check) => {
    const { run, executed } = world({ terminal: { check }, card: { check } });
    expect(done(run(SELECT))).toBe('9000');
    expect(executed).toHaveLength(1);
  });

  it('carries node addresses and turns them round', () => {
    const { run, log } = world({ terminal: { nad: 0x12 } });
    expect(done(run(SELECT))).toBe('9000');
    expect(log[1]?.slice(0, 4)).toBe('< 21');
  });

  it('keeps to a field size that the card changes in the middle of a chain', () => {
    const { terminal } = world({ fieldSize: 32 });
    const lengths: number[] = [];
    const command = new Uint8Array(60);
    let step = terminal.command(command);
    const answers = [
      supervisoryBlock(0, 'ifs', false, 10),
      receiveBlock(0, 1),
      receiveBlock(0, 0),
      receiveBlock(0, 1),
      informationBlock(0, 0, false, fromHex('9000')),
    ];
    for (const answer of answers) {
      if (step.kind !== 'send') break;
      if ((step.block[1] as number) < 0x80) lengths.push(step.block[2] as number);
      step = terminal.take({ kind: 'block', bytes: encodeBlock(answer, 'lrc') });
    }
    expect(lengths).toEqual([32, 10, 10, 8]);
    expect(done(step)).toBe('9000');
  });

  it('grants the time that a card asks for, in multiples of the block waiting time', () => {
    const { run, log, terminal, executed } = world({ card: { extensions: () => [3, 1] } });
    expect(done(run(SELECT))).toBe('9000');
    expect(log.slice(1, 5)).toEqual(['< 00C30103C1', '> 00E30103E1', '< 00C30101C3', '> 00E30101E3']);
    expect(executed).toHaveLength(1);
    terminal.command(SELECT);
    const wtx = encodeBlock(supervisoryBlock(0, 'wtx', false, 7), 'lrc');
    expect(terminal.take({ kind: 'block', bytes: wtx })).toMatchObject({
      kind: 'send',
      waitMs: 7 * 1600,
      extension: 7,
    });
  });
});

describe('a card that asks for more time without end', () => {
  const wtx: T1Event = {
    kind: 'block',
    bytes: encodeBlock(supervisoryBlock(0, 'wtx', false, 255), 'lrc'),
  };

  it('gets 60 seconds in all', () => {
    let now = 0;
    const { terminal } = world({ terminal: { budget: new ExtensionBudget(() => now, 10) } });
    let step = terminal.command(SELECT);
    while (step.kind === 'send') {
      step = terminal.take(wtx);
      if (step.kind === 'send') now += step.waitMs - 1;
    }
    expect(step).toEqual({ kind: 'failed', reason: 'extensions', usable: false });
    expect(now).toBeGreaterThan(59_000);
    expect(now).toBeLessThanOrEqual(60_000);
  });

  it('ends at once when it falls silent after that', () => {
    let now = 0;
    const { terminal } = world({ terminal: { budget: new ExtensionBudget(() => now, 10) } });
    terminal.command(SELECT);
    const step = terminal.take(wtx);
    now += step.kind === 'send' ? step.waitMs : 0;
    expect(now).toBe(60_000);
    expect(terminal.take({ kind: 'silence' })).toMatchObject({ kind: 'failed', reason: 'extensions' });
  });

  it('ends also where no time passes, whatever it asks for', () => {
    for (const type of ['wtx', 'ifs'] as const) {
      const { terminal } = world();
      const bytes = encodeBlock(supervisoryBlock(0, type, false, 20), 'lrc');
      let step = terminal.command(SELECT);
      let asked = 0;
      while (step.kind === 'send') {
        asked++;
        step = terminal.take({ kind: 'block', bytes });
      }
      expect(step).toMatchObject({ kind: 'failed', reason: 'extensions' });
      expect(asked).toBe(6000);
    }
  });

  it('has its time counted for each command anew', () => {
    let now = 0;
    const budget = new ExtensionBudget(() => now, 10);
    const { run } = world({ terminal: { budget }, card: { extensions: () => [1] } });
    for (let i = 0; i < 5; i++) {
      expect(done(run(SELECT))).toBe('9000');
      now += 30_000;
    }
  });
});

describe('error recovery', () => {
  it('asks three times, resynchronises, then gives the command up (four damaged answers)', () => {
    const { run, log, executed } = world();
    const step = run(SELECT, (bytes, towards, n) =>
      towards === 'terminal' && n < 4 ? damaged(bytes) : bytes,
    );
    expect(log.filter((line) => line.startsWith('>')).map((line) => line.slice(4, 8))).toEqual([
      '0014',
      '8100',
      '8100',
      '8100',
      'C000',
    ]);
    expect(step).toEqual({ kind: 'failed', reason: 'garbled', usable: true });
    expect(executed).toHaveLength(1);
    // The line is in step again.
    expect(done(run(SELECT))).toBe('9000');
    expect(executed).toHaveLength(2);
  });

  it('recovers from three', () => {
    const { run, executed } = world();
    const step = run(SELECT, (bytes, towards, n) =>
      towards === 'terminal' && n < 3 ? damaged(bytes) : bytes,
    );
    expect(done(step)).toBe('9000');
    expect(executed).toHaveLength(1);
  });

  it('is dead when the card says nothing to three resynchronisations', () => {
    const { run, log, terminal } = world();
    expect(run(SELECT, () => undefined)).toEqual({ kind: 'failed', reason: 'silent', usable: false });
    expect(log.filter((line) => line.startsWith('> 00C000'))).toHaveLength(3);
    expect(log.filter((line) => line.startsWith('> 0080'))).toHaveLength(3);
    expect(terminal.command(SELECT)).toMatchObject({ kind: 'failed', reason: 'not-ready' });
  });

  it('follows EMV when told so: two retries, no resynchronisation', () => {
    const { run, log } = world({ terminal: { retries: 2, resynchronise: false } });
    expect(run(SELECT, () => undefined)).toEqual({ kind: 'failed', reason: 'silent', usable: false });
    expect(log.filter((line) => line.startsWith('>'))).toHaveLength(3);
  });

  it('sends a block again for a card that could not read it, three times at most', () => {
    const { terminal } = world();
    const again = encodeBlock(receiveBlock(0, 0, 1), 'lrc');
    const first = terminal.command(SELECT);
    for (let i = 0; i < 3; i++) {
      expect(terminal.take({ kind: 'block', bytes: again })).toEqual(first);
    }
    const step = terminal.take({ kind: 'block', bytes: again });
    expect(step.kind === 'send' && toHex(step.block)).toBe('00C000C0');
  });

  it.each([
    ['another node address', '0100026D006E'],
    ['the wrong sequence number', '0040026D002F'],
    ['a reserved control byte', '00010001'],
    ['an acknowledgement where nothing is chained', '00900090'],
    ['an answer to a request that was never made', '00E300E3'],
    ['a resynchronisation by the card', '00C000C0'],
    ['an empty piece of a chain', '00200020'],
  ])('does not take %s for an answer', (_what, hex) => {
    const { terminal } = world();
    terminal.command(SELECT);
    const step = terminal.take({ kind: 'block', bytes: fromHex(hex) });
    expect(step.kind === 'send' && toHex(step.block)).toMatch(/^008[12]00/);
  });

  it('refuses a block that is longer than was agreed', () => {
    const { terminal } = world();
    terminal.command(SELECT);
    const bytes = encodeBlock(informationBlock(0, 0, false, new Uint8Array(33)), 'lrc');
    const step = terminal.take({ kind: 'block', bytes });
    expect(step.kind === 'send' && toHex(step.block)).toBe('00820082');
  });

  it('ends a chain that the card breaks off, and both are in step afterwards', () => {
    const { run, executed } = world({ fieldSize: 8, card: { maxCommand: 20 } });
    expect(run(new Uint8Array(64))).toEqual({ kind: 'failed', reason: 'aborted', usable: true });
    expect(executed).toHaveLength(0);
    expect(done(run(fromHex('00B2010C00')))).toBe('9000');
    expect(done(run(fromHex('00B2010C00')))).toBe('9000');
  });

  it('breaks off an answer that is too long, and both are in step afterwards', () => {
    let answer = new Uint8Array(300);
    const respond = () => answer;
    const { run } = world({ terminal: { maxResponse: 100 }, card: { respond } });
    expect(run(SELECT)).toEqual({ kind: 'failed', reason: 'too-long', usable: true });
    answer = Uint8Array.of(0x90, 0x00);
    expect(done(run(SELECT))).toBe('9000');
    expect(done(run(SELECT))).toBe('9000');
  });
});

describe('a bad line', () => {
  const command = seededRandom('command').bytes(100);
  const answer = concat(seededRandom('answer').bytes(120), fromHex('9000'));

  /** Damages, cuts, drops and doubles blocks at the given rate. */
  function badWire(seed: string, rate: number): Wire {
    const random = seededRandom(seed);
    const once = () => random.below(1000) < rate * 1000;
    return (bytes) => {
      if (once()) return undefined;
      if (once()) return bytes.subarray(0, random.below(bytes.length));
      if (once()) return concat(bytes, bytes);
      if (!once()) return bytes;
      const noisy = bytes.slice();
      noisy[random.below(noisy.length)] = random.below(256);
      return noisy;
    };
  }

  it.each([
    [0.01, 400],
    [0.05, 100],
    [0.2, 1],
    [0.5, 0],
  ])('at error rate %f executes each command once at most and never errs', (rate, atLeast) => {
    let completed = 0;
    for (let seed = 0; seed < 100; seed++) {
      const { run, executed } = world({ answer });
      for (let round = 0; round < 5; round++) {
        const before = executed.length;
        const step = run(command, badWire(`${rate}/${seed}/${round}`, rate));
        expect(executed.length - before).toBeLessThanOrEqual(1);
        for (const each of executed) expect(toHex(each)).toBe(toHex(command));
        if (step.kind !== 'done') break;
        expect(toHex(step.response)).toBe(toHex(answer));
        completed++;
      }
    }
    expect(completed).toBeGreaterThanOrEqual(atLeast);
  });

  it('is survived by a terminal that hears anything at all', () => {
    const random = seededRandom('babble');
    for (let i = 0; i < 300; i++) {
      const { terminal } = world();
      let step = terminal.command(command);
      for (let n = 0; step.kind === 'send'; n++) {
        if (n > 20_000) throw new Error('it does not end');
        const bytes = random.bytes(random.below(12));
        const framed =
          random.below(2) === 0 ? encodeBlock({ nad: 0, pcb: random.below(256), inf: bytes }, 'lrc') : bytes;
        step = terminal.take({ kind: 'block', bytes: framed });
      }
      expect(['done', 'failed']).toContain(step.kind);
    }
  });

  it('is survived by a card that hears anything at all', () => {
    const random = seededRandom('chatter');
    const { card } = world({ answer });
    for (let i = 0; i < 5000; i++) {
      const bytes = random.bytes(random.below(12));
      const framed =
        random.below(2) === 0 ? encodeBlock({ nad: 0, pcb: random.below(256), inf: bytes }, 'lrc') : bytes;
      const said = card.take(framed);
      if (said === undefined) continue;
      const decoded = decodeBlock(said, 'lrc');
      expect(decoded.ok && meaningOf(decoded.block).kind).toMatch(/[IRS]/);
    }
  });
});

describe('the card', () => {
  it('falls silent after three blocks in error, until one without', () => {
    const { card } = world();
    for (let i = 0; i < 3; i++) expect(card.take(undefined)).toBeDefined();
    expect(card.take(undefined)).toBeUndefined();
    expect(toHex(card.take(fromHex('00C000C0')) ?? fromHex(''))).toBe('00E000E0');
  });

  it('does not execute a repeated block', () => {
    const { card, executed } = world();
    const block = encodeBlock(informationBlock(0, 0, false, SELECT), 'lrc');
    card.take(block);
    expect(toHex(card.take(block) ?? fromHex(''))).toMatch(/^0092/);
    expect(executed).toHaveLength(1);
  });

  it('asks again for its time when the answer to that got lost, and answers when it comes', () => {
    const { card } = world({ card: { extensions: () => [2] } });
    const asked = card.take(encodeBlock(informationBlock(0, 0, false, SELECT), 'lrc'));
    expect(card.take(encodeBlock(receiveBlock(0, 0), 'lrc'))).toEqual(asked);
    const answer = card.take(encodeBlock(supervisoryBlock(0, 'wtx', true, 2), 'lrc'));
    expect(toHex(answer ?? fromHex(''))).toBe('000002900092');
  });
});
