// `npm run bench [-- --smoke] [--only GROUP] [--json FILE]`: each group of test/bench in a process of its own.
// Exit code 1 when a limit is missed; a smoke run holds only what does not depend on the machine to it.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const output = join(root, 'dist', 'bench');
const { smoke, json, only } = options();
const sources = readdirSync(join(root, 'test/bench')).filter((name) => /\.(bench|child)\.ts$/.test(name));

rmSync(output, { recursive: true, force: true });
mkdirSync(output, { recursive: true });
await build({
  entryPoints: sources.map((name) => join(root, 'test/bench', name)),
  outdir: output,
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  external: ['better-sqlite3', 'dukpt', 'iso_8583'],
  define: { 'import.meta.dirname': '__dirname', 'import.meta.url': '__filename' },
  logLevel: 'error',
});

/** No group takes as long; one that does hangs. */
const GROUP_LIMIT_MS = 10 * 60_000;
const figures = [];
let failed = false;
for (const source of sources.filter((name) => name.endsWith('.bench.ts'))) {
  const group = source.slice(0, -'.bench.ts'.length);
  if (only !== undefined && only !== group) continue;
  const parameters = ['--expose-gc', join(output, `${group}.bench.cjs`), ...(smoke ? ['--smoke'] : [])];
  const { status, stdout } = spawnSync(process.execPath, parameters, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: GROUP_LIMIT_MS,
  });
  if (status !== 0) {
    console.error(`${group}: ended with ${status}`);
    failed = true;
    continue;
  }
  for (const figure of JSON.parse(stdout)) report(group, figure);
}
mkdirSync(dirname(json), { recursive: true });
const machine = {
  node: process.version,
  platform: process.platform,
  arch: process.arch,
  cpus: cpus().length,
};
writeFileSync(json, `${JSON.stringify({ smoke, machine, figures }, undefined, 2)}\n`);
console.log(`\n${figures.length} figures, written to ${json}`);
process.exit(failed ? 1 : 0);

function report(group, figure) {
  const { limit, value, exact = false } = figure;
  const ok = limit === undefined || (limit.at === 'least' ? value >= limit.value : value <= limit.value);
  const judged = exact || !smoke;
  if (!ok && judged) failed = true;
  figures.push({ group, ...figure, ok });
  if (figures.length === 1) console.log(row('group', 'figure', 'measured', 'value', 'limit', ''));
  const bound = limit === undefined ? '' : `${limit.at === 'least' ? '>=' : '<='} ${limit.value}`;
  console.log(row(group, figure.name, figure.measured, format(value), bound, verdict(ok, judged)));
}

function verdict(ok, judged) {
  if (ok) return 'ok';
  return judged ? 'short' : 'not judged';
}

function row(group, name, measured, value, limit, end) {
  return `${group.padEnd(11)}${name.padEnd(58)}${measured.padStart(28)}${value.padStart(9)}  ${limit.padEnd(8)}${end}`;
}

function format(value) {
  return Number.isInteger(value) ? String(value) : value.toFixed(2);
}

function options() {
  try {
    const { values } = parseArgs({
      options: { smoke: { type: 'boolean' }, json: { type: 'string' }, only: { type: 'string' } },
    });
    return {
      smoke: values.smoke === true,
      json: resolve(values.json ?? join(root, 'dist', 'bench', 'results.json')),
      only: values.only,
    };
  } catch (cause) {
    console.error(`${cause.message}\nUse --smoke, --only GROUP, --json FILE.`);
    process.exit(2);
  }
}
