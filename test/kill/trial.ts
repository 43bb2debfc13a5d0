import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { createHost, type RunningHost } from '../../src/app.ts';
import { loadHost } from '../../src/host/config.ts';
import { type JournalView, viewJournal } from '../../src/journal/journal.ts';
import { realClock } from '../../src/platform/clock.ts';
import { fixturePath } from '../../src/platform/fixtures.ts';
import { seededRandom } from '../../src/platform/random.ts';
import { LOST_ANSWER_MINOR } from './day.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const CHILD_LIMIT_MS = 30_000;

/** Bundles the child, since nothing loads TypeScript at run time. @returns its path */
export async function buildChild(): Promise<string> {
  const outfile = join(ROOT, 'dist/test/kill-child.mjs');
  mkdirSync(join(ROOT, 'dist/test'), { recursive: true });
  await build({
    entryPoints: [join(ROOT, 'test/kill/child.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['better-sqlite3'],
    banner: {
      js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`,
    },
    logLevel: 'error',
  });
  return outfile;
}

export interface ChildRun {
  readonly killed: boolean;
  readonly points: number;
  readonly lines: readonly string[];
}

/** Runs the terminal until it ends or kills itself. */
export function runChild(
  child: string,
  folder: string,
  address: string,
  killAt: number,
  seed: number,
): Promise<ChildRun> {
  return new Promise((resolveRun, reject) => {
    const started: ChildProcess = spawn(
      process.execPath,
      [child, folder, address, String(killAt), String(seed)],
      {
        cwd: ROOT,
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let output = '';
    let errors = '';
    const limit = setTimeout(() => started.kill('SIGKILL'), CHILD_LIMIT_MS);
    started.stdout?.on('data', (chunk) => {
      output += String(chunk);
    });
    started.stderr?.on('data', (chunk) => {
      errors += String(chunk);
    });
    started.once('close', (code, signal) => {
      clearTimeout(limit);
      if (signal === null && code !== 0) {
        reject(new Error(`the terminal ended with ${code}: ${errors}`));
        return;
      }
      const lines = output.split('\n').filter((line) => line !== '');
      const points = Number(/^points (\d+)$/.exec(lines.at(-1) ?? '')?.[1] ?? 0);
      resolveRun({ killed: signal !== null, points, lines });
    });
  });
}

/** One trial's host, which lives on while the terminal dies. */
export async function trialHost(seed: number): Promise<RunningHost> {
  const host = await createHost({
    config: loadHost(fixturePath('hosts', 'demo.yaml')),
    clock: realClock(),
    random: seededRandom(`kill/host/${seed}`),
    listen: '127.0.0.1:0',
  });
  host.host.setAnswer({ when: { amountMinor: LOST_ANSWER_MINOR, mti: '0200' }, silence: true, times: 1 });
  return host;
}

/**
 * Kills a terminal at its `killAt`-th power point in the middle of a day, and at point `secondKill` of its
 * recovery when that is given; then lets it recover and settle.
 * @returns what is wrong afterwards, nothing when the money is right
 */
export async function killTrial(
  child: string,
  seed: number,
  killAt: number,
  secondKill = 0,
): Promise<{ readonly killed: boolean; readonly wrong: readonly string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'possum-kill-'));
  const host = await trialHost(seed);
  try {
    const runs = [await runChild(child, folder, host.address, killAt, seed)];
    if (secondKill > 0) runs.push(await runChild(child, folder, host.address, secondKill, seed + 1));
    runs.push(await runChild(child, folder, host.address, 0, seed + 2));
    const view = await viewJournal(folder);
    try {
      const told = runs.flatMap(({ lines }) => lines);
      return {
        killed: runs[0]?.killed === true,
        wrong: [...checkBooks(view, host), ...checkPromises(view, told)],
      };
    } finally {
      view.close();
    }
  } finally {
    await host.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Invariants I1 to I3, I7 and I13 of the books, row by row. */
export function checkBooks(view: JournalView, { host }: RunningHost): readonly string[] {
  const wrong: string[] = [];
  const records = view.transactions.list();
  const live = records.filter((r) => r.state === 'APPROVED' && r.kind !== 'void' && r.voidedBy === undefined);
  const key = (stan: number | string, amount: number) => `${String(stan).padStart(6, '0')}/${amount}`;
  const terminalRows = new Map(live.map((r) => [key(r.stan, r.amountMinor), r]));
  const hostLive = host.transactions().filter((t) => t.state === 'approved' && !t.type.startsWith('void'));
  const hostRows = new Map(hostLive.map((t) => [key(t.stan, t.amountMinor), t]));
  for (const row of terminalRows.keys())
    if (!hostRows.has(row)) wrong.push(`approved at the terminal, not at the host: ${row}`);
  for (const row of hostRows.keys())
    if (!terminalRows.has(row)) wrong.push(`approved at the host, not at the terminal: ${row}`);
  if (hostRows.size !== hostLive.length) wrong.push('the host has a transaction twice');
  const net = live.reduce((sum, r) => sum + (r.kind === 'refund' ? -r.amountMinor : r.amountMinor), 0);
  const ledger = host.ledger();
  const customers = Object.entries(ledger.balances).filter(([name]) => name.startsWith('customer/'));
  const charged = customers.reduce((sum, [, minor]) => sum + minor, 0);
  if (charged !== net) wrong.push(`the ledger has ${charged}, the terminal ${net}`);
  if (Object.values(ledger.balances).reduce((sum, value) => sum + value, 0) !== 0)
    wrong.push('the ledger does not sum to zero');
  for (const record of records) {
    if (['PENDING', 'MUST_REVERSE', 'NEEDS_OPERATOR'].includes(record.state))
      wrong.push(`row ${record.id} is still ${record.state}`);
  }
  if (new Set(records.map((r) => r.stan)).size !== records.length) wrong.push('a STAN was used twice');
  const slips = view.batches.list().flatMap((batch) => (batch.slip === undefined ? [] : [batch.slip.totals]));
  const settled = slips.reduce((sum, totals) => sum + totals.salesMinor - totals.refundsMinor, 0);
  if (settled !== net) wrong.push(`settled ${settled}, approved ${net}`);
  const ksn = host.alarms().filter(({ what }) => /KSN/i.test(what));
  for (const { what } of ksn) wrong.push(`host: ${what}`);
  return wrong;
}

/** I4: whoever was told APPROVED has a durable row; a settlement slip that was told has a closed batch. */
function checkPromises(view: JournalView, told: readonly string[]): readonly string[] {
  const wrong: string[] = [];
  const approvalCodes = new Set(
    view.transactions
      .list()
      .filter((r) => r.state === 'APPROVED')
      .map((r) => r.approvalCode),
  );
  for (const line of told) {
    const shown = /^screen Approved[^|]* \| (\S+)$/.exec(line)?.[1];
    if (shown !== undefined && !approvalCodes.has(shown)) wrong.push(`told approved without a row: ${shown}`);
  }
  return wrong;
}
