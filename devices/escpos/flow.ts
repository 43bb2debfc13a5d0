import type { ByteStream } from '../../src/ports/index.ts';
import type { Line } from '../transport/line.ts';
import { wireTimeMs } from '../transport/line-settings.ts';
import type { EscposSettings } from './settings.ts';

/** Whether the printer has room, as it says by XOFF and XON or by a modem line. */
export class FlowControl {
  readonly #stream: ByteStream | Line;
  readonly #busy: EscposSettings['busy'];
  #isStopped = false;
  #lineWasReady = false;
  #isSeen = false;

  constructor(stream: ByteStream | Line, busy: EscposSettings['busy']) {
    this.#stream = stream;
    this.#busy = busy;
  }

  hear(byte: 'xon' | 'xoff'): void {
    this.#isStopped = byte === 'xoff';
    this.#isSeen = true;
  }

  /** A stop that noise made must not last for ever. */
  forgetStop(): void {
    this.#isStopped = false;
  }

  async hasRoom(): Promise<boolean> {
    return !this.#isStopped && this.#lineIsReady();
  }

  /**
   * A write is over when the bytes left this process. Where the printer is to be stopped by us and not by the
   * operating system, they must have left the line, too, before the next look.
   */
  timeOf(bytes: Uint8Array): number {
    const isOurs = 'settings' in this.#stream && this.#stream.settings.flow === 'none' && this.#isSeen;
    return isOurs ? wireTimeMs(this.#stream.settings, bytes.length) : 0;
  }

  async #lineIsReady(): Promise<boolean> {
    if (this.#busy === 'none' || !('modem' in this.#stream)) return true;
    const lines = await this.#stream.modem().catch(() => undefined);
    if (lines === undefined || lines.kind !== 'lines') return true;
    this.#isSeen = true;
    const isOn = this.#busy === 'cts' ? lines.cts : lines.dsr;
    this.#lineWasReady ||= isOn;
    // A line that was never on is not wired.
    return isOn || (this.#busy === 'auto' && !this.#lineWasReady);
  }
}
