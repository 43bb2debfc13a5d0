import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createEscposPrinter } from '../../../devices/escpos/driver.ts';
import { CommandReader } from '../../../devices/escpos/frames.ts';
import { ESCPOS_LINE, forTarget } from '../../../devices/escpos/options.ts';
import { Paper } from '../../../devices/escpos/paper.ts';
import { createEscposSimulator } from '../../../devices/escpos/simulator.ts';
import { lineDialler } from '../../../devices/transport/open.ts';
import { ptyPort, type SimulatedPort, tcpPort } from '../../../devices/transport/simulated-port.ts';
import { wireClock } from '../../../devices/transport/wire-clock.ts';
import { NEVER, VirtualClock } from '../../../src/platform/clock.ts';
import { onLinux } from '../../support/linux.ts';

const SLIP = Array.from({ length: 60 }, (_, index) => ({ text: `消费 ${index} ${'.'.repeat(30)}` }));
const TEXTS = SLIP.map(({ text }) => text);
const wire = wireClock();
const line = { ...ESCPOS_LINE, baud: 115_200 };
const folder = mkdtempSync(join(tmpdir(), 'possum-escpos-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Prints through a port of the operating system, the terminal's own time being virtual. */
async function printThrough(plug: (options: Parameters<typeof tcpPort>[1]) => Promise<SimulatedPort>) {
  const clock = new VirtualClock(0);
  const simulator = createEscposSimulator({ clock: wire });
  const port = await plug({
    clock: wire,
    settings: () => line,
    serve: (stream) => void simulator.serve(stream),
  });
  const target = port.path.startsWith('tcp:')
    ? ({ kind: 'tcp', address: port.path } as const)
    : ({ kind: 'serial', path: port.path } as const);
  const printer = createEscposPrinter({ clock, wireClock: wire, dialler: lineDialler(target, line, wire) });
  try {
    const opened = await clock.run(printer.open(NEVER, wire.now() + 5000));
    const outcome = await clock.run(printer.print(SLIP, NEVER, clock.now() + 20_000));
    return { opened, outcome, slips: simulator.slips, passedMs: clock.now() };
  } finally {
    await printer.close();
    await port.close();
    await simulator.quit();
  }
}

const WELL = {
  opened: { kind: 'opened', name: 'TM-SIM', status: { online: true, paper: 'ok' } },
  outcome: { kind: 'printed' },
  slips: [TEXTS],
  passedMs: 0,
};

describe('a slip', () => {
  it('goes through a socket', async () => {
    const result = await printThrough((options) => tcpPort({ host: '127.0.0.1', port: 0 }, options));
    expect(result).toMatchObject(WELL);
  });

  it.runIf(onLinux)('goes through a pseudo-terminal', async () => {
    expect(await printThrough((options) => ptyPort(options))).toMatchObject(WELL);
  });

  it('goes to a plain file, from which no answer is expected', async () => {
    const target = { kind: 'file', path: join(folder, 'paper') } as const;
    const printer = createEscposPrinter({
      clock: wire,
      dialler: lineDialler(target, line, wire),
      settings: forTarget(target, {}),
    });
    await printer.open(NEVER, wire.now() + 5000);
    expect(await printer.print(SLIP, NEVER, wire.now() + 5000)).toEqual({ kind: 'printed' });
    expect(printer.lastSlip).toBe('unknown');
    await printer.close();
    const paper = new Paper(42, false);
    const reader = new CommandReader();
    for (const byte of readFileSync(target.path)) {
      const command = reader.take(byte);
      if (command !== undefined) paper.take(command);
    }
    expect(paper.slips).toEqual([TEXTS]);
    expect(paper.unknown).toEqual([]);
  });
});
