import type { Clock } from '../../src/platform/clock.ts';
import { PossumError } from '../../src/platform/errors.ts';
import type { Dialler } from '../../src/ports/stream.ts';
import { openFile } from './file.ts';
import type { Line, OpenedLine } from './line.ts';
import type { LineSettings } from './line-settings.ts';
import { openSerial } from './serial.ts';
import type { CommonOptions, Target } from './spec.ts';
import type { TcpOptions } from './tcp.ts';
import { dialLine } from './tcp-line.ts';

/** The driver's own settings, with what the specification says otherwise. */
export function settingsFor(defaults: LineSettings, options: CommonOptions): LineSettings {
  return {
    ...defaults,
    ...options.format,
    baud: options.baud ?? defaults.baud,
    flow: options.flow ?? defaults.flow,
  };
}

/**
 * Opens the line to a device, whatever it is reached through.
 * @param clock wire time: real for ports and other processes, virtual for a socket of this process
 * @param deadlineMs a reading of `clock`
 * @throws PossumError `CANCELLED` when `signal` is aborted, `USAGE` for an address that cannot be used, `INTERNAL` for
 *   `sim`, which is no line: its maker hands over one end of a pair
 */
export async function openLine(
  target: Target,
  settings: LineSettings,
  clock: Clock,
  signal: AbortSignal,
  deadlineMs: number,
  options: TcpOptions = {},
): Promise<OpenedLine> {
  switch (target.kind) {
    case 'serial':
      return openSerial(target.path, settings, clock, signal, deadlineMs);
    case 'tcp':
      return dialLine(target.address, clock, signal, deadlineMs, { ...options, settings });
    case 'file':
      return openFile(target.path, clock, signal, deadlineMs);
    case 'sim':
      throw new PossumError('INTERNAL', 'a simulator in this process is not opened by a path');
  }
}

/** A dialler whose stream is a line: with settings, modem lines and wire time. */
export interface LineDialler extends Dialler {
  dial(
    signal: AbortSignal,
    deadlineMs: number,
  ): Promise<
    | { readonly kind: 'connected'; readonly stream: Line }
    | { readonly kind: 'refused'; readonly reason: string }
  >;
}

/** Opens the line to one device again and again: after an unplug the same path is tried anew. */
export function lineDialler(
  target: Exclude<Target, { readonly kind: 'sim' }>,
  settings: LineSettings,
  clock: Clock,
  options: TcpOptions = {},
): LineDialler {
  return {
    address: target.kind === 'tcp' ? target.address : target.path,
    async dial(signal, deadlineMs) {
      const opened = await openLine(target, settings, clock, signal, deadlineMs, options);
      if (opened.kind === 'open') return { kind: 'connected', stream: opened.line };
      return { kind: 'refused', reason: `${opened.message}. ${opened.remedy}` };
    },
  };
}
