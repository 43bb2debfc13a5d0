import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixturePath } from '../../src/platform/fixtures.ts';
import { Pan } from '../../src/platform/secret.ts';
import { openDatabase } from '../../src/platform/sqlite.ts';
import { loadScenario } from '../../src/scenario/schema.ts';
import { World } from '../../src/scenario/world.ts';
import { approveOffline } from '../../src/terminal/offline.ts';
import { atLeast, atMost, type BenchOptions, compare, type Figure } from './harness.ts';

/** Durable commits per sale, and the rate of a durable offline sale against two bare commits. */
export async function commitFigures(options: BenchOptions): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'possum-bench-'));
  const world = await World.start(loadScenario(fixturePath('scenarios', 'trading-day.yaml')), folder);
  try {
    let commits = 0;
    world.trace.subscribe((event) => {
      if (event.kind === 'commit') commits++;
    });
    const sale = async (card: string, by: 'insert' | 'tap', amountMinor: number) => {
      world.devices.pinPad.forget();
      world.devices.pinPad.type('1234E');
      world.devices.reader[by](world.card(card));
      commits = 0;
      const result = await world.clock.run(world.terminal.sale({ amountMinor }));
      world.devices.reader.remove();
      return { code: result.code, commits };
    };
    const offline = await sale('visa-contactless', 'tap', 500);
    const drained = await sale('visa-credit', 'insert', 12_000);
    const online = await sale('visa-credit', 'insert', 12_000);
    if (
      offline.code !== 'APPROVED_OFFLINE' ||
      drained.code !== 'APPROVED_ONLINE' ||
      online.code !== 'APPROVED_ONLINE'
    ) {
      throw new Error(`the sales ended as ${offline.code}, ${drained.code}, ${online.code}`);
    }
    return [
      atMost('commits of an online sale with PIN', 'count', online.commits, 3),
      atMost('commits of an offline sale', 'count', offline.commits, 2),
      atLeast(
        'durable offline sale',
        'insert and update in two commits',
        await offlineRate(world, folder, options),
        0.6,
      ),
    ];
  } finally {
    await world.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function offlineRate(world: World, folder: string, options: BenchOptions): Promise<number> {
  const bare = await openDatabase(join(folder, 'bare.db'));
  bare.pragma('journal_mode = WAL');
  bare.pragma('synchronous = FULL');
  bare.exec('CREATE TABLE row (id INTEGER PRIMARY KEY, value BLOB NOT NULL)');
  const value = new Uint8Array(400);
  let id = 0;
  const approval = {
    amountMinor: 500,
    localCode: 'Y1',
    entryMode: '072',
    card: { pan: new Pan('4761739001010119'), expiry: '3012', chip: new Uint8Array(140) },
    detail: { interface: 'contactless' },
  } as const;
  const ratio = await compare(
    () => approveOffline(world.terminal.context, approval),
    () => {
      id++;
      bare.prepare('INSERT INTO row (id, value) VALUES (?, ?)').run(id, value);
      bare.prepare('UPDATE row SET value = ? WHERE id = ?').run(value, id);
    },
    options,
  );
  bare.close();
  return ratio;
}
