import { bareCommit } from './bare-commit.ts';
import { tapRig } from './tap-rig.ts';

/**
 * The floor of scripted taps: card, kernel, line and host in a process that has just begun, with bare durable commits
 * in between, but no terminal, journal or scenario. Arguments: kind, number of taps, commits of each.
 */
async function main(kind: 'offline' | 'online', taps: number, commits: number): Promise<void> {
  const rig = tapRig();
  const commit = bareCommit();
  for (let tap = 0; tap < taps; tap++) {
    await rig[kind]();
    for (let i = 0; i < commits; i++) commit();
  }
}

void main(process.argv[2] as 'offline' | 'online', Number(process.argv[3]), Number(process.argv[4]));
