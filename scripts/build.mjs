// Bundles the command line: CommonJS, one chunk per command, native modules outside; and the library as ES modules.
import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
rmSync(dist, { recursive: true, force: true });

// The entry loads a command's chunk only when it is asked for; within a chunk everything is one file.
const commandChunks = {
  name: 'command-chunks',
  setup(bundler) {
    bundler.onResolve({ filter: /^\.\/commands\/[a-z-]+\.ts$/ }, ({ path }) => ({
      path: path.replace(/\.ts$/, '.cjs'),
      external: true,
    }));
  },
};

const shared = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  minify: true,
  keepNames: false,
  legalComments: 'none',
  outExtension: { '.js': '.cjs' },
  external: ['better-sqlite3', 'serialport', 'blessed'],
  supported: { 'dynamic-import': false },
  define: { POSSUM_VERSION: JSON.stringify(version), 'import.meta.dirname': '__dirname' },
  logLevel: 'warning',
};

const commands = readdirSync(join(root, 'src/cli/commands')).filter((name) => name.endsWith('.ts'));
await build({
  ...shared,
  entryPoints: { possum: join(root, 'src/cli/possum.ts') },
  outdir: dist,
  banner: { js: '#!/usr/bin/env node' },
  plugins: [commandChunks],
});
await build({
  ...shared,
  entryPoints: Object.fromEntries(
    commands.map((name) => [name.slice(0, -3), join(root, 'src/cli/commands', name)]),
  ),
  outdir: join(dist, 'commands'),
});
chmodSync(join(dist, 'possum.cjs'), 0o755);

const library = spawnSync(
  process.execPath,
  [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.lib.json'],
  {
    cwd: root,
    stdio: ['ignore', 2, 2],
  },
);
if (library.status !== 0) process.exit(1);
