import { atLeast, type Figure, group, perSecond, race, ratio } from './harness.ts';
import { tapRig } from './tap-rig.ts';
import { unavoidableWork } from './unavoidable.ts';

async function measure(): Promise<readonly Figure[]> {
  const rig = tapRig();
  const bare = await unavoidableWork(rig);
  const turn = { rounds: 25, sliceMs: 40 };
  const figures: Figure[] = [];
  for (const kind of ['offline', 'online'] as const) {
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
