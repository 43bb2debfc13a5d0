import { writeSync } from 'node:fs';
import {
  createRedactingTrace,
  createTerminal,
  createVirtualDevices,
  switchedLine,
  type VirtualDevices,
} from '../../../src/app.ts';
import { realClock } from '../../../src/platform/clock.ts';
import { systemRandom } from '../../../src/platform/random.ts';
import type { CardChannel, Exchange, PinKey, PinKeySink } from '../../../src/ports/index.ts';
import { loadTerminalSettings } from '../../../src/terminal/config.ts';
import { type FrameKind, frame, frameReader } from './frames.ts';

/**
 * A terminal that has its card and its PIN pad on standard input and output. Arguments: terminal file, data folder,
 * host address, the code of each key, and `careless` for one that wipes nothing.
 */
const [file = '', folder = '', address = '', codes = '', mood = ''] = process.argv.slice(2);
const KEYS: readonly PinKey[] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 'enter', 'clear', 'cancel'];

function say(kind: FrameKind, content?: Uint8Array): void {
  const bytes = frame(kind, content);
  writeSync(1, bytes);
  bytes.fill(0);
}

/** Collections while a PIN is being entered: what lives where the collector moves it leaves copies. */
function collect(): void {
  (globalThis as { gc?: (options: { type: string }) => void }).gc?.({ type: 'minor' });
}

if (mood === 'careless') {
  const fill = Uint8Array.prototype.fill;
  const parent = Object.getPrototypeOf(Uint8Array.prototype) as { fill: typeof fill };
  parent.fill = function carelessFill(this: Uint8Array, value: number, ...range: number[]) {
    return value === 0 ? this : fill.call(this, value, ...range);
  };
}

const inbox = { answer: undefined as ((response: Uint8Array) => void) | undefined };
let sink: PinKeySink | undefined;

const channel: CardChannel = {
  interface: 'contact',
  answerToReset: Uint8Array.of(0x3b, 0x00),
  transmit: (command) =>
    new Promise<Exchange>((resolve) => {
      inbox.answer = (response) => resolve({ kind: 'response', response });
      say('command', command);
    }),
  release: async () => {},
};

function devices(): VirtualDevices {
  const virtual = createVirtualDevices(clock);
  return {
    ...virtual,
    reader: {
      ...virtual.reader,
      interfaces: ['contact'],
      awaitPresentation: async () => ({ kind: 'card', channel }),
      awaitRemoval: async () => true,
    } as VirtualDevices['reader'],
    pinPad: {
      kind: 'keypad',
      open(_prompt: unknown, opened: PinKeySink) {
        sink = opened;
        say('prompt');
        return () => {
          sink = undefined;
        };
      },
      stars: (count: number) => say('stars', Uint8Array.of(count)),
    } as unknown as VirtualDevices['pinPad'],
  };
}

/** What leaks in a program: text, arrays and numbers of all sorts, on and off V8's heap. */
const leaks: unknown[] = [];

function leak(form: string, bytes: Uint8Array): void {
  const numbers = Array.from(bytes);
  const made: Record<string, () => unknown> = {
    text: () => String.fromCharCode(...numbers),
    'wide text': () => String.fromCharCode(...numbers, 0x4e2d),
    bytes: () => Uint8Array.from(bytes),
    'bytes off the heap': () => {
      const moved = new Uint8Array(new ArrayBuffer(bytes.length));
      moved.set(bytes);
      return moved;
    },
    numbers: () => numbers,
    doubles: () => Float64Array.from(bytes),
  };
  leaks.push(made[form]?.());
}

const clock = realClock();
const trace = createRedactingTrace(clock);
let events = 0;
trace.subscribe(() => {
  events++;
});

const terminal = await createTerminal({
  settings: loadTerminalSettings(file),
  folder,
  clock,
  random: systemRandom(),
  devices: devices(),
  line: switchedLine(address, clock),
  trace,
});
await terminal.boot();

function onFrame(kind: FrameKind, content: Uint8Array): void {
  if (kind === 'answer') inbox.answer?.(Uint8Array.from(content));
  else if (kind === 'key') {
    collect();
    const key = KEYS[codes.split(',').indexOf(String(content[0]))];
    if (key !== undefined) sink?.press(key);
    collect();
  } else if (kind === 'leak') {
    // Masked, so that the frame is not what is found.
    const [mask = 0, length = 0] = content;
    const form = String.fromCharCode(...content.subarray(2, 2 + length));
    leak(
      form,
      content.subarray(2 + length).map((byte) => byte ^ mask),
    );
    say('ready');
  } else if (kind === 'trade') {
    void terminal.sale({ amountMinor: 12_000 }).then((result) => {
      say('ended', Buffer.from(`${result.code}: ${result.reason} (${events} events)`));
    });
  }
}

process.stdin.on('data', frameReader(onFrame));
process.stdin.on('end', () => terminal.close());
say('ready');
