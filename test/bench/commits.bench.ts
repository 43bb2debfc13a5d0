import { join } from 'node:path';
import { createCard, loadCard } from '../../devices/cards/load.ts';
import { fixturePath } from '../../src/platform/fixtures.ts';
import { seededRandom } from '../../src/platform/random.ts';
import { Pan } from '../../src/platform/secret.ts';
import { approveOffline, type OfflineApproval } from '../../src/terminal/offline.ts';
import { type CommitCounter, countCommits, Sqlite } from './commit-counter.ts';
import { temporaryFolder } from './folder.ts';
import { atLeast, atMost, type Figure, group, perSecond, race, ratio } from './harness.ts';
import { benchWorld, tirelessCard } from './support.ts';

/** What the kernel hands over after an offline approval, with field 55 as the demo card fills it. */
const APPROVAL: OfflineApproval = {
  localCode: 'Y1',
  amountMinor: 850,
  entryMode: '072',
  card: {
    pan: new Pan('4761739001010119'),
    expiry: '3012',
    sequenceNumber: '001',
    chip: Uint8Array.from({ length: 140 }, (_, i) => i),
  },
  detail: {
    interface: 'contactless',
    aid: 'A0000000031010',
    label: 'VISA CREDIT',
    tvr: '0000000000',
    cryptogram: 'A1B2C3D4E5F60718',
    cid: '40',
    atc: '7',
    cvm: 'none',
  },
};

/** Two commits with nothing around them, on a database with the journal's settings. */
function bareSale(): () => void {
  const database = new Sqlite(join(temporaryFolder(), 'bare.db'));
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.pragma('foreign_keys = ON');
  database.pragma('secure_delete = ON');
  database.exec('CREATE TABLE sale (id INTEGER PRIMARY KEY, state TEXT NOT NULL, body BLOB NOT NULL) STRICT');
  const insert = database.prepare(`INSERT INTO sale (state, body) VALUES ('NEW', ?)`);
  const update = database.prepare(`UPDATE sale SET state = 'DONE' WHERE id = ?`);
  const body = new Uint8Array(300);
  return () => {
    update.run(insert.run(body).lastInsertRowid);
  };
}

/** The most commits that one of five sales takes, after a first one that opens the batch. */
async function counted(counter: CommitCounter, sale: () => Promise<void>): Promise<number> {
  await sale();
  let most = 0;
  for (let i = 0; i < 5; i++) {
    counter.take();
    await sale();
    most = Math.max(most, counter.take());
  }
  return most;
}

async function measure(): Promise<readonly Figure[]> {
  const world = await benchWorld();
  const counter = countCommits(world.folder);
  const chip = createCard(loadCard(fixturePath('cards', 'visa-credit.yaml')), {
    random: seededRandom('chip'),
  });
  const tap = tirelessCard();
  const withPin = await counted(counter, () => world.sale(chip, 1200, 'insert', '1234'));
  const online = await counted(counter, () => world.sale(tap, 6000, 'tap'));
  world.line.up = false;
  const offline = await counted(counter, () => world.sale(tap, 850, 'tap'));
  const bareRun = bareSale();
  const [journal = [], bare = []] = await race(
    [
      { name: 'journal', run: () => void approveOffline(world.terminal.context, APPROVAL) },
      { name: 'bare', run: bareRun },
    ],
    { rounds: 25, sliceMs: 50 },
  );
  await world.close();
  // Short, since a batch holds 999 transactions at most.
  const fresh = await benchWorld();
  fresh.line.up = false;
  const [scripted = [], bareBeside = []] = await race(
    [
      { name: 'scripted', async: true, run: () => fresh.sale(tap, 850, 'tap') },
      { name: 'bare', run: bareRun },
    ],
    { rounds: 15, sliceMs: 20 },
  );
  await fresh.close();
  const count = (name: string, commits: number, limit: number): Figure => ({
    name,
    measured: 'durable commits',
    value: commits,
    limit: atMost(limit),
    exact: true,
  });
  return [
    count('online sale, chip and PIN', withPin, 3),
    count('online sale, tap', online, 3),
    count('offline sale, tap', offline, 2),
    {
      name: 'offline sale in the journal, against INSERT + UPDATE',
      measured: `${perSecond(journal)} : ${perSecond(bare)}`,
      value: ratio(journal, bare),
      limit: atLeast(0.6),
    },
    {
      name: 'whole scripted offline tap, against INSERT + UPDATE',
      measured: `${perSecond(scripted)} : ${perSecond(bareBeside)}`,
      value: ratio(scripted, bareBeside),
    },
  ];
}

group(measure);
