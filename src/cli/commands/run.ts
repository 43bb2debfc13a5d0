import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXIT } from '../../platform/errors.ts';
import { playScenario, type ScenarioReport } from '../../scenario/runner.ts';
import { loadScenario } from '../../scenario/schema.ts';
import { printJson, printText } from '../output.ts';
import { command, runCommand } from '../program.ts';
import { closingTable, stepText } from '../scenario-text.ts';

interface Options {
  readonly json?: boolean;
  readonly data?: string;
  readonly slips?: boolean;
  readonly fresh?: boolean;
}

/** `possum run FILE…` */
export async function main(argv: readonly string[]): Promise<number> {
  let code: number = EXIT.done;
  const program = command({
    name: 'run',
    summary: 'Plays scenario files: a terminal, its cards and its host in one process, on virtual time.',
    examples: [
      'possum run emv-fixtures/scenarios/trading-day.yaml',
      'possum run --json day.yaml | jq .passed',
    ],
  })
    .argument('<files...>', 'scenario files (YAML)')
    .option('--json', 'print one JSON document per file')
    .option('--slips', 'print the slips as they come')
    .option('--data <folder>', 'keep the terminal’s files there (a fresh temporary folder otherwise)')
    .option('--fresh', 'empty the --data folder first')
    .action(async (files: string[], options: Options) => {
      for (const file of files) {
        const report = await playOne(file, options);
        if (!report.passed) code = EXIT.failed;
      }
    });
  return runCommand(program, argv, () => code);
}

async function playOne(file: string, options: Options): Promise<ScenarioReport> {
  const scenario = loadScenario(file);
  const folder = options.data ?? mkdtempSync(join(tmpdir(), 'possum-'));
  if (options.data !== undefined && options.fresh === true) rmSync(folder, { recursive: true, force: true });
  const talk = options.json !== true;
  try {
    if (talk) printText(`${scenario.name}\n`);
    const report = await playScenario(
      scenario,
      folder,
      {
        stepDone: (step) => {
          if (talk) printText(stepText(step, scenario.steps.length, options.slips === true));
        },
      },
      options.data !== undefined,
    );
    if (talk) printText(closingTable(report));
    else printJson(report);
    return report;
  } finally {
    if (options.data === undefined) rmSync(folder, { recursive: true, force: true });
  }
}
