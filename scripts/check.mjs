// `npm test`: types, lint, then every test. Ends with the closing line `N passed, N failed`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(root, 'node_modules', '.bin', name);
const filters = process.argv.slice(2);

step('types', bin('tsc'), ['--noEmit']);
step('lint', bin('biome'), ['check', '--error-on-warnings']);

const folder = mkdtempSync(join(tmpdir(), 'possum-test-'));
const report = join(folder, 'report.json');
const { status } = spawnSync(
  bin('vitest'),
  ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...filters],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
let passed = 0;
let failed = 1;
try {
  const result = JSON.parse(readFileSync(report, 'utf8'));
  passed = result.numPassedTests;
  failed = result.numFailedTests + (status !== 0 && result.numFailedTests === 0 ? 1 : 0);
} catch {
  // Without a report nothing is known to have passed.
}
rmSync(folder, { recursive: true, force: true });
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(status === 0 && passed > 0 ? 0 : 1);

function step(name, command, parameters) {
  const { status: code } = spawnSync(command, parameters, { cwd: root, stdio: 'inherit' });
  if (code === 0) return;
  console.log(`\n${name} failed`);
  process.exit(1);
}
