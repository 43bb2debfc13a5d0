import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PossumError } from '../../src/platform/errors.ts';
import { fixturePath } from '../../src/platform/fixtures.ts';
import { playScenario } from '../../src/scenario/runner.ts';
import { loadScenario } from '../../src/scenario/schema.ts';
import { temporaryFolder } from '../support/folder.ts';

function write(steps: string, head = 'name: test'): string {
  const file = join(temporaryFolder(), 'day.yaml');
  writeFileSync(file, `${head}\nsteps:\n${steps}`);
  return file;
}

const play = (steps: string) => playScenario(loadScenario(write(steps)), temporaryFolder());

const SALE = 'sale: { amount: 10.00, card: visa-credit, pin: 1234 }';

describe('a scenario file', () => {
  it.each([
    ['an unknown key of a step', '  - sael: {}\n', '3:5', 'Did you mean "sale"?'],
    ['an unknown key of a card', '  - sale: { amount: 1.00, card: visa-credit, pni: 1 }\n', '3:46', '"pin"?'],
    [
      'an unknown expectation',
      `  - ${SALE}\n    expect: { outcom: APPROVED_ONLINE }\n`,
      '4:15',
      'Did you mean "outcome"?',
    ],
    ['an unknown key of an answer', '  - host: { answer: { silense: true } }\n', '3:23', '"silence"?'],
    ['an unknown state of the host', '  - host: upp\n', '3:11', 'steps.0.host'],
    [
      'two actions in a step',
      '  - settle: true\n    line: down\n',
      '3:5',
      'a step has exactly one of sale, refund',
    ],
    ['a step without an action', '  - name: nothing\n', '3:5', 'a step has exactly one of'],
    ['an amount that is none', '  - sale: { amount: ten, card: visa-credit }\n', '3:21', 'e.g. 10.00'],
    [
      'a misspelt card',
      '  - sale: { amount: 1.00, card: visa-credt }\n',
      '3:33',
      'Did you mean "visa-credit"?',
    ],
    ['a card file that is missing', '  - sale: { amount: 1.00, card: ./no.yaml }\n', '3:33', 'no.yaml'],
    [
      'a misspelt card of a second try',
      '  - sale: { amount: 1.00, card: visa-credit, next: [{ card: visa-credt }] }\n',
      '3:61',
      'Did you mean "visa-credit"?',
    ],
    [
      'a void of a step that comes later',
      `  - void: coffee\n  - name: coffee\n    ${SALE}\n`,
      '3:11',
      'no sale or refund before it is named "coffee"',
    ],
    ['a void of a misspelt step', `  - name: coffee\n    ${SALE}\n  - void: cofee\n`, '5:11', '"coffee"?'],
    ['a duration without a unit', '  - advance: 90\n', '3:14', 'steps.0.advance'],
    [
      'a power cut at no known point',
      '  - settle: { powerCut: { before: tea } }\n',
      '3:35',
      'powerCut.before',
    ],
    ['a step that is repeated no times', '  - line: up\n    repeat: 0\n', '4:13', 'steps.0.repeat'],
    [
      'a PIN of letters',
      '  - sale: { amount: 1.00, card: sda, pin: abcd }\n',
      '3:43',
      'must be digits, or cancel',
    ],
    ['an empty list of steps', '  []\n', '3:3', 'steps'],
  ])('names file, line and column of %s', (_, steps, place, hint) => {
    const file = write(steps);
    let thrown: unknown;
    try {
      loadScenario(file);
    } catch (cause) {
      thrown = cause;
    }
    const error = thrown as PossumError;
    expect(error.code).toBe('CONFIG');
    expect(error.describe()).toContain(hint);
    expect(error.where).toBe(`${file}:${place}`);
  });

  it.each(['2026-13-01T00:00:00', '2026-02-30T00:00:00', '2026-01-01T25:00:00', '2026-01-01'])(
    'does not begin at %s',
    (start) => {
      const file = write('  - check: true\n', `name: test\nstart: '${start}'`);
      expect(() => loadScenario(file)).toThrow(/^start: (must be YYYY|there is no such day or time)/);
    },
  );

  it('takes digits with and without quotes', () => {
    const { steps } = loadScenario(
      write(
        `  - sale: { amount: 10, card: visa-credit, pin: 0012 }\n    expect: { response: 5, ledger: -1.50 }\n`,
      ),
    );
    expect(steps[0]).toMatchObject({
      sale: { amount: '10', pin: '0012' },
      expect: { response: '05', ledger: '-1.50' },
    });
  });
});

describe('an expectation that is not met', () => {
  it.each([
    [
      'outcome: DECLINED_ONLINE',
      'expected outcome DECLINED_ONLINE, got APPROVED_ONLINE (approved by the issuer (00))',
    ],
    ['reason: tea', 'expected reason tea, got approved by the issuer (00)'],
    ["response: '51'", 'expected response 51, got 00'],
    ['state: REVERSED', 'expected state REVERSED, got APPROVED'],
    ['online: false', 'expected online false, got true'],
    ['host: none', 'expected host none, got approved'],
    ['receipt: [Amount USD 11.00]', 'no slip says "Amount USD 11.00"'],
    ['slips: 1', 'expected slips 1, got 2'],
    ['screen: [Goodbye]', 'the screen did not say "Goodbye"'],
    ['prompts: []', 'expected prompts none, got enter-pin'],
    ['sales: { count: 1 }', 'expected sales count 1, got none'],
    ['waiting: 1', 'expected waiting messages 1, got 0'],
    ['interrupted: 0', 'expected interrupted transactions 0, got none'],
    ['batch: must-settle', 'expected batch must-settle, got open'],
    ['ledger: 10.01', 'expected ledger 10.01, got 10.00'],
    ['balanced: false', 'expected balanced false, got true'],
  ])('%s says so', async (expectation, failure) => {
    const report = await play(`  - ${SALE}\n    expect: { ${expectation} }\n`);
    expect(report.steps[0]?.failures).toEqual([failure]);
    expect(report.passed).toBe(false);
  });
});

describe('a scenario', () => {
  it('in another currency has a host of that currency', async () => {
    const folder = temporaryFolder();
    const terminal = readFileSync(fixturePath('terminals', 'demo.yaml'), 'utf8')
      .replace("5F2A: '0840'", "5F2A: '0392'")
      .replace("5F36: '02'", "5F36: '00'")
      .replace('../capk', fixturePath('capk'));
    writeFileSync(join(folder, 'yen.yaml'), terminal);
    const file = join(folder, 'day.yaml');
    writeFileSync(
      file,
      `name: yen\nterminal: yen.yaml\nsteps:
  - { sale: { amount: 9000, card: visa-credit, pin: 1234 }, expect: { outcome: APPROVED_ONLINE, receipt: [Amount JPY 9000] } }
  - { settle: true, expect: { outcome: settled, sales: { amount: 9000 }, balanced: true } }
`,
    );
    const report = await playScenario(loadScenario(file), temporaryFolder());
    expect(report.steps.flatMap(({ failures }) => failures)).toEqual([]);
  });
});

describe('a step', () => {
  it('that cuts the power at a point that is not reached leaves the next one alone', async () => {
    const report = await play(
      `  - sale: { amount: 5.00, card: visa-contactless, by: tap, powerCut: { before: dial } }\n  - ${SALE}\n`,
    );
    expect(report.steps.map(({ outcome }) => outcome)).toEqual(['APPROVED_OFFLINE', 'APPROVED_ONLINE']);
  });

  it('that brings the host up again forgets scripted answers', async () => {
    const report = await play(
      `  - host: { answer: { code: '05', times: 9 } }\n  - ${SALE}\n  - host: up\n  - ${SALE}\n`,
    );
    expect(report.steps.map(({ outcome }) => outcome)).toEqual([
      'done',
      'DECLINED_ONLINE',
      'done',
      'APPROVED_ONLINE',
    ]);
  });

  it('sees its own screens only, also after very many', async () => {
    const many = '  - void: 99\n'.repeat(1000);
    const seen = 'expect: { screen: [Void not possible] }';
    const report = await play(`${many}  - void: 99\n    ${seen}\n  - check: true\n    ${seen}\n`);
    expect(report.steps.at(-2)?.failures).toEqual([]);
    expect(report.steps.at(-1)?.failures).toEqual(['the screen did not say "Void not possible"']);
  });
});

describe('a repeated step', () => {
  it('is played and reported as often, its expectation checked each time', async () => {
    const report = await play(`  - ${SALE}
    repeat: 3
    expect: { slips: 2, ledger: 20.00 }
  - check: true
    expect: { ledger: 30.00 }
`);
    expect(report.steps.map(({ number, action, failures }) => [number, action, failures.length])).toEqual([
      [1, 'sale', 1],
      [2, 'sale', 0],
      [3, 'sale', 1],
      [4, 'check', 0],
    ]);
    expect(report.steps[2]?.failures).toEqual(['expected ledger 20.00, got 30.00']);
  });
});
