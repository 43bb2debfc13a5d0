import { join } from 'node:path';
import { createTerminal, createVirtualDevices, switchedLine } from '../../src/app.ts';
import { realClock } from '../../src/platform/clock.ts';
import { fixturePath } from '../../src/platform/fixtures.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { loadTerminalSettings } from '../../src/terminal/config.ts';
import { temporaryFolder } from './folder.ts';

/** Terminals that are not to be collected. */
const kept: unknown[] = [];

/** Boots as many terminals as the argument says, lets them idle, and prints resident memory in KiB. */
async function main(count: number): Promise<void> {
  const clock = realClock();
  const random = systemRandom();
  const folder = temporaryFolder();
  const settings = loadTerminalSettings(fixturePath('terminals', 'demo.yaml'));
  for (let i = 0; i < count; i++) {
    const terminal = await createTerminal({
      settings,
      folder: join(folder, String(i)),
      clock,
      random,
      devices: createVirtualDevices(clock),
      line: switchedLine('127.0.0.1:9', clock),
    });
    await terminal.boot();
    kept.push(terminal);
  }
  globalThis.gc?.();
  process.stdout.write(`${process.memoryUsage.rss() / 1024}\n`);
}

main(Number(process.argv[2])).catch((cause: unknown) => {
  process.stderr.write(`${String(cause)}\n`);
  process.exitCode = 70;
});
