import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { deserialize } from 'node:v8';
import { fixturePath } from './fixtures.ts';

/**
 * Parsing and checking the shipped files takes most of a start, so the build does both and keeps what came of it
 * under the digest of their text. A file that was changed since is not found, and is read as any other.
 * @param kind the schema it was checked against
 */
export function checkedAtBuild(text: string, kind: string): unknown {
  try {
    return deserialize(readFileSync(fixturePath('..', 'dist', 'checked', checkedName(text, kind))));
  } catch {
    return undefined;
  }
}

/** The name of the file that holds what became of `text`. */
export function checkedName(text: string, kind: string): string {
  return `${createHash('sha256').update(text).digest('hex').slice(0, 32)}.${kind}`;
}
