// `npm run test:kill [trials] [seed]`: the power-cut proof in full size.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [trials = '200', seed = '1'] = process.argv.slice(2);
const { status } = spawnSync(join(root, 'node_modules/.bin/vitest'), ['run', 'test/kill'], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, POSSUM_KILL_TRIALS: trials, POSSUM_KILL_SEED: seed },
});
process.exit(status ?? 1);
