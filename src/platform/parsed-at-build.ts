import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fixturePath } from './fixtures.ts';

/**
 * Parsing YAML takes most of a start, so the build parses the shipped files and keeps their values as JSON under
 * the digest of their text. A file that was changed since is not found, and is parsed as any other.
 */
export function parsedAtBuild(text: string): unknown {
  try {
    return JSON.parse(readFileSync(fixturePath('..', 'dist', 'parsed', parsedName(text)), 'utf8'));
  } catch {
    return undefined;
  }
}

/** The name of the file that holds the value of `text`. */
export function parsedName(text: string): string {
  return `${createHash('sha256').update(text).digest('hex').slice(0, 32)}.json`;
}
