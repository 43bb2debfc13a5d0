import { join } from 'node:path';
import { atMost, type Figure, group, median, smoke } from './harness.ts';
import { runNode } from './spawned.ts';

const ROUNDS = smoke ? 1 : 9;
/** Further terminals that are weighed together. */
const MORE = 8;
const BARE = 'globalThis.gc(); process.stdout.write(String(process.memoryUsage.rss() / 1024))';

async function measure(): Promise<readonly Figure[]> {
  const weigh = (...parameters: string[]) => Number(runNode(['--expose-gc', ...parameters]).output) / 1024;
  const child = join(__dirname, 'memory.child.cjs');
  const rounds = Array.from({ length: ROUNDS }, () => ({
    bare: weigh('-e', BARE),
    one: weigh(child, '1'),
    many: weigh(child, String(1 + MORE)),
  }));
  const bare = median(rounds.map((round) => round.bare));
  const one = median(rounds.map((round) => round.one));
  const many = median(rounds.map((round) => round.many));
  return [
    {
      name: 'first idle terminal, resident memory above bare Node, MiB',
      measured: `${one.toFixed(1)} : ${bare.toFixed(1)}`,
      value: one - bare,
      limit: atMost(35),
    },
    {
      name: 'a further terminal in the same process, MiB',
      measured: `${many.toFixed(1)} with ${1 + MORE}`,
      value: (many - one) / MORE,
      limit: atMost(2),
    },
  ];
}

group(measure);
