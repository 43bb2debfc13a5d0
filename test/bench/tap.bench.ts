import { atLeast, type Figure, group, perSecond, race, ratio, smoke } from './harness.ts';
import { tapRig } from './tap-rig.ts';
import { unavoidableWork } from './unavoidable.ts';

/** A tap runs through far more code than its bare work: it takes longer until all of it is compiled. */
const WARM_UP = smoke ? 1 : 10_000;

async function measure(): Promise<readonly Figure[]> {
  const rig = tapRig();
  const bare = await unavoidableWork(rig);
  const turn = { rounds: 25, sliceMs: 40 };
  const figures: Figure[] = [];
  for (const kind of ['offline', 'online'] as const) {
    for (let i = 0; i < WARM_UP; i++) {
      await rig[kind]();
      bare[kind]();
    }
    const [tap = [], work = []] = await race(
      [
        { name: 'tap', async: true, run: () => rig[kind]() },
        { name: 'bare', run: () => bare[kind]() },
      ],
      turn,
    );
    figures.push({
      name: `${kind} tap, against its unavoidable work`,
      measured: `${perSecond(tap)} : ${perSecond(work)}`,
      value: ratio(tap, work),
      limit: atLeast(0.4),
    });
  }
  return figures;
}

group(measure);
