// Makes a fresh clone ready: Node's version, then dependencies, then (with `build`) the bundle. Each step leaves a
// stamp after success, so that a second run starts at once and an interrupted one is noticed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  fail(
    `Possum needs Node 20.19 or newer; this is ${process.versions.node}. Install a newer Node and run again.`,
  );
}

const installStamp = join(root, 'node_modules', '.possum-installed');
const machine = `${process.versions.modules} ${process.platform} ${process.arch}`;
const installWanted = digest(['package.json', 'package-lock.json', '.npmrc'], machine);
if (readStamp(installStamp) !== installWanted) {
  rmSync(installStamp, { force: true });
  say('Installing dependencies (native modules are compiled, this can take a few minutes) …');
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  writeStamp(installStamp, installWanted);
}

if (process.argv.includes('build')) {
  const buildStamp = join(root, 'dist', '.possum-built');
  const buildWanted = digest(
    [
      ...['src', 'devices', 'emv-fixtures'].flatMap(filesBelow),
      ...[
        'scripts/build.mjs',
        'scripts/checked-fixtures.ts',
        'scripts/compile-code.mjs',
        'package-lock.json',
      ],
    ],
    machine,
  );
  if (readStamp(buildStamp) !== buildWanted) {
    rmSync(buildStamp, { force: true });
    run(process.execPath, ['scripts/build.mjs']);
    writeStamp(buildStamp, buildWanted);
  }
}

function digest(files, extra) {
  const hash = createHash('sha256').update(extra);
  for (const file of files) hash.update(`\0${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

function filesBelow(folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(root.length + 1))
    .sort();
}

function readStamp(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function writeStamp(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function run(command, parameters) {
  // npm's own notices belong on stderr: what the caller prints on stdout must stay its own.
  const { status, error } = spawnSync(command, parameters, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (error !== undefined || status !== 0) {
    fail(
      `\`${command} ${parameters.join(' ')}\` failed. Native modules need a C++ toolchain (python3, make, g++); install it and run again.`,
    );
  }
}

function say(text) {
  process.stderr.write(`${text}\n`);
}

function fail(text) {
  say(text);
  process.exit(1);
}
