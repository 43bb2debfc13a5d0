import type { DataStore } from './data-store.ts';
import { TAG } from './tags.ts';

/** Whether a terminal may go online, stay offline, or both (tag 9F35; Book 4, annex A1). */
export type TerminalPower = 'online-only' | 'both' | 'offline-only';

const BY_DIGIT: Readonly<Record<number, TerminalPower>> = {
  1: 'online-only',
  2: 'both',
  3: 'offline-only',
  4: 'online-only',
  5: 'both',
  6: 'offline-only',
};

/** By the second digit of the terminal type; an unknown one may do both. */
export function terminalPower(data: DataStore): TerminalPower {
  return BY_DIGIT[data.byte(TAG.terminalType, 0) & 0x0f] ?? 'both';
}
