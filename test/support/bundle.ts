import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const FOLDER = resolve(import.meta.dirname, '../../dist/test');

/** Bundles a program that a test starts, since nothing loads TypeScript at run time. @returns its path */
export async function bundleProgram(source: string, name: string): Promise<string> {
  const outfile = join(FOLDER, `${name}.mjs`);
  mkdirSync(FOLDER, { recursive: true });
  await build({
    entryPoints: [source],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['better-sqlite3'],
    // Some packages in the bundle are CommonJS.
    banner: {
      js: `import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);`,
    },
    logLevel: 'error',
  });
  return outfile;
}
