import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fixturePath } from '../../src/platform/fixtures.ts';
import { bareCommit } from './bare-commit.ts';
import { countCommits } from './commit-counter.ts';
import { temporaryFolder } from './folder.ts';
import { atMost, type Figure, group, median, smoke } from './harness.ts';
import { possum, runNode } from './spawned.ts';
import { benchWorld, tapCardFile, tapTerminalFile, tirelessCard } from './support.ts';
import { tapRig } from './tap-rig.ts';
import { unavoidableWork } from './unavoidable.ts';

const TAPS = smoke ? 20 : 1000;
const ROUNDS = smoke ? 1 : 5;
/** Small enough for the card to approve it, and for its funds at the host to last. */
const AMOUNT = '8.50';
const KINDS = { offline: '', online: ', forceOnline: true' } as const;
type Kind = keyof typeof KINDS;

/** A card counts its offline approvals up to 255 and wants the issuer then; the issuer watches its counter. */
const TAPS_PER_CARD = { offline: 250, online: 500 } as const;

/** Two scenarios with half of the taps each, since a batch holds 999 transactions. */
function scenarios(folder: string, kind: Kind, terminal: string): readonly string[] {
  const card = readFileSync(tapCardFile, 'utf8')
    .replace('keyFile: keys/', `keyFile: ${fixturePath('cards', 'keys')}/`)
    .replace(/cumulativeAmount: \d+/, 'cumulativeAmount: 999999999')
    .replace(/consecutive: \d+/, 'consecutive: 255');
  const taps = TAPS / 2;
  const perCard = Math.min(TAPS_PER_CARD[kind], taps);
  const steps = Array.from({ length: taps / perCard }, (_, number) => {
    writeFileSync(join(folder, `card-${number}.yaml`), card);
    return [
      `  - sale: { amount: ${AMOUNT}, card: card-${number}.yaml, by: tap${KINDS[kind]} }`,
      `    repeat: ${perCard}`,
      `    expect: { outcome: APPROVED_${kind.toUpperCase()} }`,
    ];
  });
  return ['first', 'second'].map((half) => {
    const file = join(folder, `${kind}-${half}.yaml`);
    const head = [`name: ${half} half of the taps`, `terminal: ${terminal}`, 'steps:'];
    writeFileSync(file, [...head, ...steps.flat(), ''].join('\n'));
    return file;
  });
}

/** As many bare durable commits as a tap makes. */
async function commitsOf(kind: Kind): Promise<number> {
  const world = await benchWorld();
  const counter = countCommits(world.folder);
  world.line.up = kind === 'online';
  const card = tirelessCard();
  const amountMinor = kind === 'online' ? 6000 : 850;
  await world.sale(card, amountMinor, 'tap');
  counter.take();
  await world.sale(card, amountMinor, 'tap');
  await world.close();
  return counter.take();
}

/** Milliseconds of the bare work of all taps, each followed by its commits, as a terminal meets them. */
function bareDay(work: () => void, commits: number, commit: () => void): number {
  const start = performance.now();
  for (let tap = 0; tap < TAPS; tap++) {
    work();
    for (let i = 0; i < commits; i++) commit();
  }
  return performance.now() - start;
}

async function measure(): Promise<readonly Figure[]> {
  const folder = temporaryFolder();
  const bare = await unavoidableWork(tapRig());
  const commit = bareCommit();
  const figures: Figure[] = [];
  const terminal = tapTerminalFile(folder);
  const runs: readonly (readonly [what: string, kind: Kind, terminal: string])[] = [
    ['offline taps', 'offline', terminal],
    ['online taps', 'online', terminal],
    ['online taps over a kept line', 'online', tapTerminalFile(folder, true)],
  ];
  for (const [what, kind, file] of runs) {
    const files = scenarios(folder, kind, file);
    const commits = await commitsOf(kind);
    bareDay(bare[kind], 0, commit);
    const floor = [join(__dirname, 'taps.child.cjs'), kind, String(TAPS), String(commits)];
    const rounds = Array.from({ length: ROUNDS }, () => ({
      run: runNode([possum, 'run', '--json', ...files]).ms,
      work: bareDay(bare[kind], commits, commit),
      floor: runNode(floor).ms,
    }));
    const against = (name: string, of: 'run' | 'floor', base: 'work' | 'floor', limit?: number): Figure => ({
      name,
      measured: `${median(rounds.map((round) => round[of])).toFixed(0)} ms : ${median(rounds.map((round) => round[base])).toFixed(0)} ms`,
      value: median(rounds.map((round) => round[of] / round[base])),
      ...(limit === undefined ? {} : { limit: atMost(limit) }),
    });
    figures.push(
      against(`${TAPS} ${what} with journal, against work + ${commits} commits each`, 'run', 'work', 4),
    );
    if (file !== terminal) continue;
    figures.push(
      against(`card, kernel, host and commits of the ${what} in a new process`, 'floor', 'work'),
      against(`${TAPS} ${what} with journal, against those`, 'run', 'floor'),
    );
  }
  return figures;
}

group(measure);
