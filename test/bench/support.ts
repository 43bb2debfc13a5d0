import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCard, loadCard } from '../../devices/cards/load.ts';
import {
  createHost,
  createTerminal,
  createVirtualDevices,
  type EmulatedCard,
  type RunningHost,
  type RunningTerminal,
  type SwitchedLine,
  switchedLine,
  type VirtualDevices,
} from '../../src/app.ts';
import { loadHost } from '../../src/host/config.ts';
import { VirtualClock } from '../../src/platform/clock.ts';
import { fixturePath } from '../../src/platform/fixtures.ts';
import { seededRandom } from '../../src/platform/random.ts';
import { loadTerminalSettings } from '../../src/terminal/config.ts';
import { temporaryFolder } from './folder.ts';

export const NOON = Date.UTC(2026, 10, 21, 12);
export const hostFile = fixturePath('hosts', 'demo.yaml');
export const tapCardFile = fixturePath('cards', 'visa-contactless.yaml');

/**
 * Writes the demo terminal's file into `folder`, with a reader that authenticates taps which go online too: every
 * tap is one with fDDA.
 * @param keepAlive the terminal stays connected between its messages
 */
export function tapTerminalFile(folder: string, keepAlive = false): string {
  const changes: readonly (readonly [shipped: string, here: string])[] = [
    ['../capk/', `${fixturePath('capk')}/`],
    ["ttq: '36008080'", "ttq: '37008080'"],
    ['host: { ', `host: { keepAlive: ${keepAlive}, `],
  ];
  let text = readFileSync(fixturePath('terminals', 'demo.yaml'), 'utf8');
  for (const [shipped, here] of changes) {
    if (!text.includes(shipped)) throw new Error(`the demo terminal has no ${shipped}`);
    text = text.replace(shipped, here);
  }
  const file = join(folder, keepAlive ? 'kept-line.yaml' : 'terminal.yaml');
  writeFileSync(file, text);
  return file;
}

/** The shipped contactless card, made to approve offline as often as it is asked. */
export function tireless(): ReturnType<typeof loadCard> {
  const file = loadCard(tapCardFile);
  if (file.kind !== 'icc' || file.contactless === undefined) throw new Error(`${tapCardFile} is no tap card`);
  const applications = file.contactless.applications.map((application) => ({
    ...application,
    limits: { ...application.limits, cumulativeAmount: 999_999_999_999, consecutive: 1_000_000_000 },
  }));
  return { ...file, contactless: { ...file.contactless, applications } } as typeof file;
}

export function tirelessCard(): EmulatedCard {
  return createCard(tireless(), { random: seededRandom('bench/card') });
}

/** A terminal with its host in this process, on virtual time. */
export interface BenchWorld {
  readonly clock: VirtualClock;
  readonly devices: VirtualDevices;
  readonly line: SwitchedLine;
  readonly host: RunningHost;
  readonly terminal: RunningTerminal;
  readonly folder: string;
  /** One sale with the card in the field or in the slot. @throws Error when it is not approved */
  sale(card: EmulatedCard, amountMinor: number, by: 'tap' | 'insert', pin?: string): Promise<void>;
  close(): Promise<void>;
}

export async function benchWorld(): Promise<BenchWorld> {
  const clock = new VirtualClock(NOON);
  const folder = temporaryFolder();
  const random = seededRandom('bench');
  const host = await createHost({ config: loadHost(hostFile), clock, random, listen: '127.0.0.1:0' });
  const devices = createVirtualDevices(clock);
  const line = switchedLine(host.address, clock);
  const settings = loadTerminalSettings(tapTerminalFile(folder));
  const terminal = await createTerminal({ settings, folder, clock, random, devices, line });
  await clock.run(terminal.boot());
  return {
    clock,
    devices,
    line,
    host,
    terminal,
    folder,
    async sale(card, amountMinor, by, pin) {
      if (pin !== undefined) devices.pinPad.type(`${pin}E`);
      const sold = terminal.sale({ amountMinor });
      clock.after(1000, () => devices.reader[by](card));
      const result = await clock.run(sold);
      devices.reader.remove();
      if (!result.code.startsWith('APPROVED'))
        throw new Error(`a sale ended ${result.code}: ${result.reason}`);
    },
    async close() {
      terminal.close();
      await host.close();
    },
  };
}
