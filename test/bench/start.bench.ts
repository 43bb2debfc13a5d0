import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './folder.ts';
import { atMost, type Figure, group, ratio } from './harness.ts';
import { milliseconds, possum, startInTurn } from './spawned.ts';

const ROUNDS = 15;

const ONE_TAP = `name: one tap
steps:
  - line: down
  - sale: { amount: 8.50, card: visa-contactless, by: tap }
    expect: { outcome: APPROVED_OFFLINE }
`;

async function measure(): Promise<readonly Figure[]> {
  const scenario = join(temporaryFolder(), 'one-tap.yaml');
  writeFileSync(scenario, ONE_TAP);
  const [node = [], version = [], libraries = [], tap = []] = startInTurn(
    [
      ['-e', '0'],
      [possum, '--version'],
      [join(__dirname, 'libraries.child.cjs')],
      [possum, 'run', '--json', scenario],
    ],
    ROUNDS,
  );
  const against = (
    name: string,
    times: readonly number[],
    base: readonly number[],
    limit?: number,
  ): Figure => ({
    name,
    measured: `${milliseconds(times)} : ${milliseconds(base)}`,
    value: ratio(times, base),
    ...(limit === undefined ? {} : { limit: atMost(limit) }),
  });
  return [
    against('possum --version, against node -e 0', version, node, 1.3),
    against('first durable scripted tap, against node -e 0', tap, node, 2),
    against('its libraries and one bare commit alone, against node -e 0', libraries, node),
    against('first durable scripted tap, against its libraries', tap, libraries),
  ];
}

group(measure);
