import { describe, expect, it } from 'vitest';
import { ExtensionBudget } from '../../../devices/iso7816/extension-budget.ts';
import { T0Card } from '../../../devices/iso7816/t0-card.ts';
import { T0CardCharacters } from '../../../devices/iso7816/t0-card-characters.ts';
import { commandShape, T0Command } from '../../../devices/iso7816/t0-command.ts';
import { type T0CharacterStep, T0Terminal } from '../../../devices/iso7816/t0-terminal.ts';
import { concat, fromHex, toHex } from '../../../src/platform/bytes.ts';
import { seededRandom } from '../../../src/platform/random.ts';

function newTerminal(now: () => number = () => 0): T0Terminal {
  return new T0Terminal({ budget: new ExtensionBudget(now, 1.25), workWaitingMs: 1000 });
}

/** What the terminal does when the card's bytes come one after the other: `>` sent, then the end. */
function play(tpdu: string, ...said: readonly string[]): readonly string[] {
  const terminal = newTerminal();
  const log: string[] = [];
  const note = (step: T0CharacterStep) => {
    if (step.kind === 'send') log.push(`> ${toHex(step.bytes)}`);
    if (step.kind === 'done') log.push(`= ${toHex(step.response)}`);
    if (step.kind === 'failed') log.push(`! ${step.reason}`);
  };
  note(terminal.begin(fromHex(tpdu)));
  for (const piece of said) note(terminal.take(fromHex(piece)));
  return log;
}

describe('the terminal and procedure bytes', () => {
  it.each([
    ['a status at once', '00A4040005A000000003', ['6A82'], ['> 00A4040005', '= 6A82']],
    [
      'all data after INS',
      '00A4040005A000000003',
      ['A4', '6117'],
      ['> 00A4040005', '> A000000003', '= 6117'],
    ],
    [
      'one byte after its complement, then the rest',
      '00A4040003A0A1A2',
      ['5B', 'A4', '9000'],
      ['> 00A4040003', '> A0', '> A1A2', '= 9000'],
    ],
    [
      'each byte by its complement',
      '00A4040002A0A1',
      ['5B', '5B', '9000'],
      ['> 00A4040002', '> A0', '> A1', '= 9000'],
    ],
    ['data of the card', '00B2010C03', ['B2700101', '9000'], ['> 00B2010C03', '= 7001019000']],
    [
      'data of the card byte by byte',
      '00B2010C03',
      ['4D70', '4D01', '4D', '01', '90', '00'],
      ['> 00B2010C03', '= 7001019000'],
    ],
    ['mixed', '00B2010C03', ['4D70B201019000'], ['> 00B2010C03', '= 7001019000']],
    ['NULL in between', '00B2010C01', ['6060B26A', '60', '9000'], ['> 00B2010C01', '= 6A9000']],
    ['6Cxx', '00B2010C00', ['6C1F'], ['> 00B2010C00', '= 6C1F']],
    ['a byte that means nothing', '00B2010C01', ['42'], ['> 00B2010C01', '! procedure']],
    ['more data than there is', '00A4040001A0', ['A4', 'A4'], ['> 00A4040001', '> A0', '! procedure']],
    ['more data than was asked', '00B2010C01', ['B201B2'], ['> 00B2010C01', '! procedure']],
    ['data that follows the end', '00B2010C01', ['6A82FFFF'], ['> 00B2010C01', '= 6A82']],
  ] as const)('takes %s', (_what, tpdu, said, expected) => {
    expect(play(tpdu, ...said)).toEqual(expected);
  });

  it('reads 256 bytes for a P3 of zero', () => {
    const data = '11'.repeat(256);
    expect(play('00B0000000', `B0${data}9000`)).toEqual(['> 00B0000000', `= ${data}9000`]);
  });

  it('ends when the card falls silent', () => {
    const terminal = newTerminal();
    terminal.begin(fromHex('00B2010C01'));
    expect(terminal.silence()).toEqual({ kind: 'failed', reason: 'silent' });
  });

  it('gives a card that sends NULL without end 60 seconds', () => {
    let now = 0;
    const terminal = newTerminal(() => now);
    let step = terminal.begin(fromHex('00B2010C01'));
    while (step.kind === 'send' || step.kind === 'wait') {
      now += step.waitMs - 1;
      step = terminal.take(Uint8Array.of(0x60));
    }
    expect(step).toEqual({ kind: 'failed', reason: 'extensions' });
    expect(now).toBeGreaterThan(59_000);
    expect(now).toBeLessThan(61_000);
  });

  it('ends a flood of NULL also where no time passes', () => {
    const terminal = newTerminal();
    terminal.begin(fromHex('00B2010C01'));
    const flood = new Uint8Array(100_000).fill(0x60);
    expect(terminal.take(flood)).toEqual({ kind: 'failed', reason: 'extensions' });
  });

  it('is survived whatever the card says', () => {
    const random = seededRandom('t0');
    for (let i = 0; i < 2000; i++) {
      const terminal = newTerminal();
      terminal.begin(concat(Uint8Array.of(0, 0xb2, 1, 0x0c, random.below(4))));
      const step = terminal.take(random.bytes(random.below(40)));
      expect(['wait', 'done', 'failed']).toContain(step.kind);
      if (step.kind === 'done') expect(step.response.length).toBeGreaterThanOrEqual(2);
    }
  });
});

describe('an APDU over T=0', () => {
  it.each([
    ['00A40400', 1, '00A4040000'],
    ['00B2010C00', 2, '00B2010C00'],
    ['0020008008241234FFFFFFFFFF', 3, '0020008008241234FFFFFFFFFF'],
    ['80A8000002830000', 4, '80A80000028300'],
  ])('%s is case %i', (apdu, shape, tpdu) => {
    const found = commandShape(fromHex(apdu));
    expect(found?.case).toBe(shape);
    expect(found && toHex(found.tpdu)).toBe(tpdu);
  });

  it.each(['', '00A404', '00A4040005A0', '00A404000000050102030405', '00A4040001A00000', '00A40400000000'])(
    'refuses "%s"',
    (apdu) => {
      expect(commandShape(fromHex(apdu))).toBeUndefined();
    },
  );

  /** Sends an APDU and answers its TPDUs in turn. */
  function exchange(apdu: string, ...answers: readonly string[]): readonly string[] {
    const shape = commandShape(fromHex(apdu));
    if (shape === undefined) throw new Error('no command');
    const command = new T0Command(shape);
    const log: string[] = [];
    let step = command.begin();
    for (const answer of answers) {
      if (step.kind !== 'send') break;
      log.push(toHex(step.tpdu));
      step = command.take(fromHex(answer));
    }
    log.push(step.kind === 'done' ? `= ${toHex(step.response)}` : 'not done');
    return log;
  }

  it.each([
    ['61xx', '80A8000002830000', ['6110'], ['80A80000028300', '= 6110']],
    ['6Cxx', '00B2010C00', ['6C10'], ['00B2010C00', '= 6C10']],
    ['an error', '80A8000002830000', ['6985'], ['80A80000028300', '= 6985']],
    ['success without data', '80A8000002830000', ['9000'], ['80A80000028300', '= 9000']],
    ['a warning of case 3', '0020008008241234FFFFFFFFFF', ['63C2'], ['0020008008241234FFFFFFFFFF', '= 63C2']],
    ['a warning of case 2 with data', '80CA9F3600', ['9F36010A6282'], ['80CA9F3600', '= 9F36010A6282']],
  ] as const)('hands %s up as it is', (_what, apdu, answers, log) => {
    expect(exchange(apdu, ...answers)).toEqual(log);
  });

  it.each([
    [
      ['6283', '6F009000'],
      ['80A80000028300', '00C0000000', '= 6F006283'],
    ],
    [
      ['6283', '6C02', '6F009000'],
      ['80A80000028300', '00C0000000', '00C0000002', '= 6F006283'],
    ],
    [
      ['9101', '6F6101', '009000'],
      ['80A80000028300', '00C0000000', '00C0000001', '= 6F009101'],
    ],
    [
      ['6300', '6D00'],
      ['80A80000028300', '00C0000000', '= 6300'],
    ],
  ] as const)('fetches the data behind a warning of case 4: %j', (answers, log) => {
    expect(exchange('80A8000002830000', ...answers)).toEqual(log);
  });

  it('ends with a card that never has its data ready', () => {
    const log = exchange('80A8000002830000', '6283', ...Array(40).fill('6C05'));
    expect(log.at(-1)).toBe('= 6283');
    expect(log.length).toBeLessThan(15);
  });
});

describe('the card over T=0', () => {
  function newCard(answers: Readonly<Record<string, string>>) {
    const executed: string[] = [];
    const card = new T0Card({
      respond(command) {
        executed.push(toHex(command));
        return fromHex(answers[toHex(command)] ?? '6D00');
      },
    });
    return { executed, say: (tpdu: string) => toHex(card.exchange(fromHex(tpdu))), card };
  }

  it('keeps the data of a command with data for GET RESPONSE, and adds the Le that T=0 leaves out', () => {
    const { executed, say } = newCard({ '00A4040002A0A100': '6F0211229000' });
    expect(say('00A4040002A0A1')).toBe('6104');
    expect(say('00C0000002')).toBe('6F026102');
    expect(say('00C0000002')).toBe('11229000');
    expect(say('00C0000002')).toBe('6D00');
    expect(executed).toEqual(['00A4040002A0A100', '00C0000002']);
  });

  it('leaves out an Le that a host did not, and refuses other lengths', () => {
    const { executed, say } = newCard({ '00A4040002A0A100': '6F009000' });
    expect(say('00A4040002A0A100')).toBe('6102');
    expect(say('00A4040002A0A10000')).toBe('6700');
    expect(say('00A4040002A0')).toBe('6700');
    expect(say('00A404000000')).toBe('6700');
    expect(executed).toEqual(['00A4040002A0A100']);
  });

  it('tells the right Le, and executes once', () => {
    const { executed, say } = newCard({ '80CA9F3600': '9F3602000A9000' });
    expect(say('80CA9F3600')).toBe('6C05');
    expect(say('80CA9F3605')).toBe('9F3602000A9000');
    expect(executed).toEqual(['80CA9F3600']);
  });

  it('forgets what it kept when another command comes', () => {
    const { executed, say } = newCard({ '80CA9F3600': '9F3602000A9000', '80CA9F1700': '9F1701039000' });
    say('80CA9F3600');
    expect(say('80CA9F1700')).toBe('6C04');
    say('80CA9F3605');
    expect(executed).toEqual(['80CA9F3600', '80CA9F1700', '80CA9F3605']);
  });

  it('keeps a warning in front of its data', () => {
    const { say } = newCard({ '00A4040002A0A100': '6F006283' });
    expect(say('00A4040002A0A1')).toBe('6283');
    expect(say('00C0000002')).toBe('6F009000');
  });

  it('hands 256 bytes over with a P3 of zero', () => {
    const data = '22'.repeat(256);
    const { say } = newCard({ '00B0000000': `${data}9000` });
    expect(say('00B0000000')).toBe(`${data}9000`);
  });

  it.each(['all', 'each'] as const)('plays characters, asking for %s', (acknowledge) => {
    const { card, executed } = newCard({ '00A4040002A0A100': '6F029000', '00B2010C00': '70019000' });
    const characters = new T0CardCharacters({
      exchange: (tpdu) => card.exchange(tpdu),
      acknowledge,
      nulls: () => 2,
    });
    const run = (tpdu: string): string => {
      const terminal = newTerminal();
      let step = terminal.begin(fromHex(tpdu));
      while (step.kind === 'send') {
        let said = new Uint8Array(0);
        for (const byte of step.bytes)
          said = Uint8Array.from([...said, ...characters.take(Uint8Array.of(byte))]);
        step = terminal.take(said);
      }
      return step.kind === 'done' ? toHex(step.response) : step.kind;
    };
    expect(run('00A4040002A0A1')).toBe('6102');
    expect(run('00C0000002')).toBe('6F029000');
    expect(run('00B2010C00')).toBe('6C02');
    expect(run('00B2010C02')).toBe('70019000');
    expect(run('00FF000000')).toBe('6D00');
    expect(executed).toEqual(['00A4040002A0A100', '00B2010C00', '00FF000000']);
  });
});
