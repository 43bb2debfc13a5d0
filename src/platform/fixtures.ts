import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

let root: string | undefined;

/** A path in the package's `emv-fixtures`, wherever the code runs from: sources, library or bundle. */
export function fixturePath(...parts: readonly string[]): string {
  if (root === undefined) {
    root = import.meta.dirname;
    while (!existsSync(join(root, 'emv-fixtures')) && dirname(root) !== root) root = dirname(root);
  }
  return join(root, 'emv-fixtures', ...parts);
}
