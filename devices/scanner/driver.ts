import { Kept } from '../one-way/kept.ts';
import { OneWayDevice, type OneWayServices, type Opened } from '../one-way/one-way-device.ts';
import { Waiting } from '../one-way/waiting.ts';
import { type Scan, ScanReader } from './frames.ts';
import { SCANNER_DEFAULTS, type ScannerSettings } from './settings.ts';

/** What a wait for a code ended with. */
export type ScanResult =
  | Scan
  | { readonly kind: 'timeout' }
  | { readonly kind: 'offline'; readonly reason: string };

export interface ScannerServices extends OneWayServices {
  readonly settings?: Partial<ScannerSettings>;
}

/** A scanner that sends each code by itself. */
export interface BarcodeScanner {
  readonly isOnline: boolean;
  /**
   * Opens the line; from then on it is opened again when it was lost. Such a scanner does not say who it is.
   * @param deadlineMs a reading of the wire's clock
   * @throws PossumError `CANCELLED` when `signal` is aborted, `STATE` when it is open already or was closed
   */
  open(signal: AbortSignal, deadlineMs: number): Promise<Opened>;
  close(): Promise<void>;
  /**
   * Waits for a code, one wait at a time.
   * @param deadlineMs a reading of the clock
   * @throws PossumError `CANCELLED` when `signal` is aborted, `STATE` during another wait
   */
  awaitScan(signal: AbortSignal, deadlineMs: number): Promise<ScanResult>;
}

export function createScanner(services: ScannerServices): BarcodeScanner {
  return new Scanner(services);
}

class Scanner implements BarcodeScanner {
  readonly #device: OneWayDevice;
  readonly #frames: ScanReader;
  readonly #kept: Kept<Scan>;
  readonly #waiting: Waiting;

  constructor(services: ScannerServices) {
    const settings = { ...SCANNER_DEFAULTS, ...services.settings };
    this.#frames = new ScanReader(settings);
    this.#kept = new Kept(services.clock, settings.keepMs);
    this.#waiting = new Waiting(services.clock, 'the scanner');
    this.#device = new OneWayDevice('scanner', services, settings, {
      onBytes: (bytes) => this.#take(this.#frames.push(bytes)),
      onSilence: () => this.#take(this.#frames.silence()),
      onLost: () => this.#lost(),
    });
  }

  get isOnline(): boolean {
    return this.#device.isOnline;
  }

  open(signal: AbortSignal, deadlineMs: number): Promise<Opened> {
    return this.#device.open(signal, deadlineMs);
  }

  close(): Promise<void> {
    return this.#device.close();
  }

  awaitScan(signal: AbortSignal, deadlineMs: number): Promise<ScanResult> {
    return this.#waiting.until<ScanResult>(() => this.#scanned(), { kind: 'timeout' }, signal, deadlineMs);
  }

  #scanned(): ScanResult | undefined {
    if (!this.#device.isOnline) return { kind: 'offline', reason: this.#device.reason };
    return this.#kept.take();
  }

  #take(scans: readonly Scan[]): void {
    for (const scan of scans) {
      this.#device.tell('code scanned', scan.kind === 'code' ? `${scan.text.length} characters` : scan.why);
      this.#kept.put(scan);
      this.#waiting.changed();
    }
  }

  #lost(): void {
    this.#frames.reset();
    this.#kept.forget();
    this.#waiting.changed();
  }
}
