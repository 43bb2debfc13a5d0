import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { codecFigures } from './codec.ts';
import { coldStartFigures } from './cold-start.ts';
import { commitFigures } from './commits.ts';
import type { Figure } from './harness.ts';

/** Runs every group, prints the table, writes JSON. Timing is judged in full runs only, counts always. */
const smoke = process.argv.includes('--smoke');
const [jsonFile = ''] = process.argv.slice(2).filter((argument) => argument.endsWith('.json'));
const figures: Figure[] = [
  ...(await codecFigures({ smoke })),
  ...(await commitFigures({ smoke })),
  ...coldStartFigures({ smoke }),
];
for (const { name, baseline, ratio, limit, ok } of figures) {
  const verdict = ok ? 'ok' : smoke ? 'not judged' : 'SHORT';
  process.stdout.write(
    `${name.padEnd(42)} ${ratio.toFixed(2).padStart(8)}  ${limit.padEnd(8)} of ${baseline.padEnd(34)} ${verdict}\n`,
  );
}
mkdirSync(dirname(jsonFile), { recursive: true });
writeFileSync(jsonFile, `${JSON.stringify({ smoke, figures }, undefined, 2)}\n`);
const short = figures.filter(({ ok, baseline }) => !ok && (!smoke || baseline === 'count'));
process.exitCode = short.length === 0 ? 0 : 1;
