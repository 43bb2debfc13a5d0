import { join } from 'node:path';
import { createHost, createRedactingTrace } from '../../app.ts';
import { loadHost } from '../../host/config.ts';
import { realClock } from '../../platform/clock.ts';
import { EXIT, PossumError } from '../../platform/errors.ts';
import { fixturePath } from '../../platform/fixtures.ts';
import { systemRandom } from '../../platform/random.ts';
import { makeDataFolder } from '../data-folder.ts';
import { untilInterrupted } from '../interruption.ts';
import { printProgress, printText } from '../output.ts';
import { command, runCommand } from '../program.ts';

interface Options {
  readonly config?: string;
  readonly listen?: string;
  readonly allowPublic?: boolean;
  readonly data?: string;
  readonly resetTerminal?: string;
  readonly trace?: boolean;
}

/** `possum host` */
export async function main(argv: readonly string[]): Promise<number> {
  const program = command({
    name: 'host',
    summary: 'Serves the acquirer’s host (profile nac) on TCP until it is interrupted.',
    examples: [
      'possum host --listen 127.0.0.1:8583',
      'possum host --config emv-fixtures/hosts/demo.yaml --trace',
      'possum host --data .possum/host --reset-terminal 10000001',
    ],
  })
    .option('--config <file>', 'host file: keys, cards, scripted answers (the demo’s when absent)')
    .option('--listen <address>', 'HOST:PORT; port 0 takes a free one')
    .option('--allow-public', 'let it listen at an address that is neither loopback nor private')
    .option('--data <folder>', 'keep books and key serial numbers there (in memory when absent)')
    .option(
      '--reset-terminal <tid>',
      'forget the key serial numbers of a terminal that was provisioned again (with --data)',
    )
    .option('--trace', 'print every message as one JSON line, card data masked')
    .action(serve);
  return runCommand(program, argv, () => EXIT.done);
}

async function serve(options: Options): Promise<void> {
  const { data, resetTerminal } = options;
  if (resetTerminal !== undefined && data === undefined) {
    throw new PossumError('USAGE', '--reset-terminal needs the books that it is about', {
      remedy: 'Name their folder with --data; a host without one forgets everything when it ends.',
    });
  }
  if (data !== undefined) makeDataFolder(data);
  const clock = realClock();
  const trace = createRedactingTrace(clock);
  const host = await createHost({
    config: loadHost(options.config ?? fixturePath('hosts', 'demo.yaml')),
    clock,
    random: systemRandom(),
    trace,
    allowPublic: options.allowPublic === true,
    ...(options.listen === undefined ? {} : { listen: options.listen }),
    ...(data === undefined ? {} : { database: join(data, 'host.db') }),
  });
  if (resetTerminal !== undefined) host.host.resetTerminal(resetTerminal);
  trace.subscribe(
    (event) => {
      if (event.kind === 'alarm') printProgress(`Alarm: ${alarmText(event.what.replace(/^host: /, ''))}`);
    },
    ['alarm'],
  );
  if (options.trace === true) {
    trace.subscribe((event) => printText(JSON.stringify(event)), ['message', 'alarm']);
  }
  printProgress(`Host listening on ${host.address}. TEST - NOT A PAYMENT. Ctrl-C ends it.`);
  await untilInterrupted(
    (signal) =>
      new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })),
  );
  await host.close();
}

const AGAIN =
  'a terminal begins again with key serial numbers that were used: its data folder is new or was put back; begin with a new host, or with --reset-terminal';

/** Whoever wonders why everything is declined finds the reason here. */
function alarmText(what: string): string {
  if (what === 'ksn-reused' || what === 'ksn-went-back') return `${what}: ${AGAIN}`;
  if (what === 'unknown-key-set') return `${what}: the host file has no base derivation key for it`;
  return what;
}
