import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PossumError } from '../../src/platform/errors.ts';
import { LineWorld } from './world.ts';

it('a request that finds the disk full is written on the reserve, with the PIN that was entered for it', async () => {
  let reserve: string | undefined;
  const world = await LineWorld.start({
    onStatement(sql) {
      if (sql === 'COMMIT' && reserve !== undefined && existsSync(reserve)) {
        throw new PossumError('STORAGE', 'the database failed', { cause: { code: 'SQLITE_FULL' } });
      }
    },
  });
  await world.enterPin();
  reserve = join(world.folder, 'reserve');
  await world.sale();
  expect(world.host.received.map(({ macIsGood, pinBlock }) => [macIsGood, pinBlock !== undefined])).toEqual([
    [true, true],
  ]);
  expect(world.journal.transactions.list()).toMatchObject([{ state: 'APPROVED', stan: 1 }]);
});
