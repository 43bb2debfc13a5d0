import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXIT, PossumError } from '../../platform/errors.ts';
import { playScenario, type ScenarioReport } from '../../scenario/runner.ts';
import { loadScenario, type Scenario } from '../../scenario/schema.ts';
import { emptyDataFolder, makeDataFolder, removeTree } from '../data-folder.ts';
import { placed } from '../failure.ts';
import { untilInterrupted } from '../interruption.ts';
import { printJson, printText } from '../output.ts';
import { command, runCommand } from '../program.ts';
import { closingTable, stepText } from '../scenario-text.ts';

interface Options {
  readonly json?: boolean;
  readonly data?: string;
  readonly slips?: boolean;
  readonly fresh?: boolean;
  readonly iKnowTheseAreTestKeys?: boolean;
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
    .option('--i-know-these-are-test-keys', 'take keys of the terminal file that nobody published')
    .option('--fresh', 'first remove what an earlier run left in the --data folder')
    .action(async (files: string[], options: Options) => {
      // A mistake in the last file is told before the first one is played.
      const scenarios = files.map(loadScenario);
      await untilInterrupted(async (signal) => {
        for (const scenario of scenarios) {
          const report = await playOne(scenario, options, signal);
          if (!report.passed) code = EXIT.failed;
        }
      });
    });
  return runCommand(program, argv, () => code);
}

async function playOne(scenario: Scenario, options: Options, signal: AbortSignal): Promise<ScenarioReport> {
  const { folder, remove } = options.data === undefined ? temporaryFolder() : { folder: options.data };
  if (options.data !== undefined) {
    makeDataFolder(folder);
    if (options.fresh === true) emptyDataFolder(folder);
  }
  const talk = options.json !== true;
  let place = scenario.file;
  try {
    if (talk) printText(`${scenario.name}\n`);
    const report = await playScenario(
      scenario,
      folder,
      {
        stepStarted: (number) => {
          place = `${scenario.file}, step ${number}`;
          if (signal.aborted) throw new PossumError('CANCELLED', 'interrupted before this step');
        },
        stepDone: (step, of) => {
          if (talk) printText(stepText(step, of, options.slips === true));
        },
      },
      options.data !== undefined,
      options.iKnowTheseAreTestKeys === true,
    );
    if (talk) printText(closingTable(report));
    else printJson(report);
    return report;
  } catch (cause) {
    throw placed(cause, place);
  } finally {
    remove?.();
  }
}

/** Also when the program ends in another way, e.g. because nobody reads its output any more. */
function temporaryFolder(): { readonly folder: string; readonly remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'possum-'));
  const remove = () => {
    process.off('exit', remove);
    removeTree(folder);
  };
  process.on('exit', remove);
  return { folder, remove };
}
