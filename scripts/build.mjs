// Bundles the command line: CommonJS, one chunk per command, native modules outside; and the library as ES modules.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
rmSync(dist, { recursive: true, force: true });

/** The argument parser can start other programs; none of ours does, and loading that takes its time. */
const withoutChildProcess = {
  name: 'without-child-process',
  setup(bundle) {
    const ofParser = ({ importer }) => importer.includes('commander');
    bundle.onResolve({ filter: /^node:child_process$/ }, (found) =>
      ofParser(found) ? { path: 'nothing', namespace: 'nothing' } : undefined,
    );
    bundle.onLoad({ filter: /./, namespace: 'nothing' }, () => ({ contents: '' }));
  },
};

const shared = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  minify: true,
  keepNames: false,
  charset: 'ascii',
  legalComments: 'none',
  outExtension: { '.js': '.cjs' },
  external: ['better-sqlite3', 'serialport', 'blessed'],
  supported: { 'dynamic-import': false },
  define: { POSSUM_VERSION: JSON.stringify(version), 'import.meta.dirname': '__dirname' },
  plugins: [withoutChildProcess],
  logLevel: 'warning',
};

// The entry carries its help itself; every other command is a chunk that it loads when it is asked for.
const commands = readdirSync(join(root, 'src/cli/commands')).filter(
  (name) => name.endsWith('.ts') && name !== 'help.ts',
);
await build({
  ...shared,
  entryPoints: { chunk: join(root, 'src/cli/chunk.ts'), fixtures: join(root, 'scripts/checked-fixtures.ts') },
  outdir: join(dist, 'tools'),
});
await build({
  ...shared,
  entryPoints: { possum: join(root, 'src/cli/possum.ts') },
  outdir: dist,
  banner: { js: '#!/usr/bin/env node' },
});
await build({
  ...shared,
  entryPoints: Object.fromEntries(
    commands.map((name) => [name.slice(0, -3), join(root, 'src/cli/commands', name)]),
  ),
  outdir: join(dist, 'commands'),
});
chmodSync(join(dist, 'possum.cjs'), 0o755);

checkFixtures();
// The first tap of a terminal is what has to be quick; the rest of a day is compiled as it comes.
const tap = join(dist, 'tools', 'tap.yaml');
writeFileSync(tap, 'name: tap\nsteps: [{ sale: { amount: 8.50, card: visa-contactless, by: tap } }]\n');
compileCode('run', '--json', tap);
compileCode('emv', '--json', '--card', 'visa-credit', '--pin', '1234', '--amount', '10.00');
rmSync(join(dist, 'tools'), { recursive: true });

const library = spawnSync(
  process.execPath,
  [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.lib.json'],
  {
    cwd: root,
    stdio: ['ignore', 2, 2],
  },
);
if (library.status !== 0) process.exit(1);

/** Keeps what became of the shipped files, see src/platform/checked-at-build.ts. */
function checkFixtures() {
  const { checkedFixtures } = createRequire(import.meta.url)(join(dist, 'tools/fixtures.cjs'));
  const checked = join(dist, 'checked');
  mkdirSync(checked);
  for (const { name, value } of checkedFixtures(join(root, 'emv-fixtures'))) {
    const bytes = serialize(value);
    // What this form cannot hold is read anew each time.
    if (isDeepStrictEqual(deserialize(bytes), value)) writeFileSync(join(checked, name), bytes);
  }
}

/** Has a command run once and keeps what V8 compiled for it, see src/cli/chunk.ts. */
function compileCode(...command) {
  const tool = [join(root, 'scripts/compile-code.mjs'), ...command];
  const { status } = spawnSync(process.execPath, tool, { cwd: root, stdio: ['ignore', 'ignore', 2] });
  if (status !== 0) process.exit(1);
}
