import { isPossumError } from '../../src/platform/errors.ts';
import type { ByteStream } from '../../src/ports/index.ts';
import { COLUMNS, type Command, CommandReader, ROWS } from './frames.ts';

/** A customer display on the other end of any byte stream. It never says anything. */
export interface Cd5220Simulator {
  /** What it shows, each line in its full width. */
  readonly lines: readonly string[];
  /** Commands that it did not know. */
  readonly unknown: number;
  /** From 1 to 4. */
  readonly brightness: number;
  /** Listens to a stream until it ends. */
  serve(stream: ByteStream): Promise<void>;
}

export function createCd5220Simulator(): Cd5220Simulator {
  return new Simulator();
}

const FULL_BRIGHTNESS = 4;
const FOR_DISPLAY = 0x02;

class Simulator implements Cd5220Simulator {
  readonly #reader = new CommandReader();
  #cells: string[] = [];
  #cursor = 0;
  #isLineMode = false;
  #isSelected = true;
  unknown = 0;
  brightness = FULL_BRIGHTNESS;

  constructor() {
    this.#clear();
  }

  get lines(): readonly string[] {
    const text = this.#cells.join('');
    return [text.slice(0, COLUMNS), text.slice(COLUMNS)];
  }

  async serve(stream: ByteStream): Promise<void> {
    const ending = new AbortController();
    try {
      for (;;) {
        const chunk = await stream.read(ending.signal);
        if (chunk === undefined) return;
        for (const byte of chunk) {
          const command = this.#reader.take(byte);
          if (command !== undefined) this.#obey(command);
        }
      }
    } catch (cause) {
      if (!isPossumError(cause, 'CANCELLED') && !isPossumError(cause, 'UNAVAILABLE')) throw cause;
    } finally {
      await stream.close();
    }
  }

  #obey(command: Command): void {
    if (command.kind === 'command' && command.name === 'ESC =')
      this.#isSelected = ((command.data[0] ?? 0) & FOR_DISPLAY) !== 0;
    if (!this.#isSelected) return;
    if (command.kind === 'unknown') this.unknown++;
    else if (command.kind === 'line') this.#write(command.row === 1 ? 1 : 0, command.text);
    else if (command.kind === 'text') this.#put(command.character);
    else if (!this.#isLineMode || command.name === '0C' || command.name === '18')
      this.#control(command.name, command.data);
  }

  #write(row: 0 | 1, text: string): void {
    this.#isLineMode = true;
    const shown = text.slice(0, COLUMNS).padEnd(COLUMNS);
    this.#cells.splice(row * COLUMNS, COLUMNS, ...shown);
  }

  #put(character: string): void {
    if (this.#isLineMode) return;
    this.#cells[this.#cursor] = character;
    this.#move(1);
  }

  #control(name: string, [first = 1, second = 1]: readonly number[]): void {
    const lineStart = this.#cursor - (this.#cursor % COLUMNS);
    const actions: Readonly<Record<string, () => void>> = {
      '08': () => this.#move(-1),
      '09': () => this.#move(1),
      '0A': () => this.#move(COLUMNS),
      '0B': () => this.#moveTo(0),
      '0C': () => this.#clear(),
      '0D': () => this.#moveTo(lineStart),
      '18': () => {
        this.#isLineMode = false;
        this.#cells.fill(' ', lineStart, lineStart + COLUMNS);
        this.#moveTo(lineStart);
      },
      'ESC @': () => this.#clear(),
      'ESC *': () => {
        if (first >= 1 && first <= FULL_BRIGHTNESS) this.brightness = first;
      },
      'ESC l': () => {
        if (first >= 1 && first <= COLUMNS && second >= 1 && second <= ROWS)
          this.#moveTo((second - 1) * COLUMNS + first - 1);
      },
    };
    actions[name]?.();
  }

  #move(by: number): void {
    this.#moveTo(this.#cursor + by + COLUMNS * ROWS);
  }

  #moveTo(place: number): void {
    this.#cursor = place % (COLUMNS * ROWS);
  }

  #clear(): void {
    this.#cells = new Array<string>(COLUMNS * ROWS).fill(' ');
    this.#cursor = 0;
    this.#isLineMode = false;
  }
}
