import { readFileSync } from 'node:fs';
import { fromHex } from '../../src/platform/bytes.ts';

/** One test vector; which fields it has depends on `op`. */
export interface Vector {
  readonly name: string;
  readonly op: string;
  // biome-ignore lint/suspicious/noExplicitAny: the fields differ by operation
  readonly [field: string]: any;
}

/** The vectors of one topic, those of `ops` only. */
export function vectors(topic: string, ...ops: string[]): Vector[] {
  const path = new URL(`../vectors/${topic}.json`, import.meta.url);
  const all = (JSON.parse(readFileSync(path, 'utf8')) as { vectors: Vector[] }).vectors;
  return ops.length === 0 ? all : all.filter(({ op }) => ops.includes(op));
}

export const bytes = (text: string): Uint8Array => fromHex(text);

/**
 * How many random inputs a comparison takes: `usual`, or the number in `POSSUM_ROUNDS` for a long run.
 */
export function rounds(usual: number): number {
  return Number(process.env.POSSUM_ROUNDS ?? usual);
}
