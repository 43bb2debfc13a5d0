import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { fixturePath } from '../../src/platform/fixtures.ts';
import { openDatabase } from '../../src/platform/sqlite.ts';
import { temporaryFolder } from '../support/folder.ts';
import { possum, type Said } from './in-process.ts';

const SALE = ['sale', '--card', 'visa-credit', '--amount', '1.00', '--pin', '1234'] as const;
const NO_HOST = ['--host', '127.0.0.1:1'] as const;

/** A terminal that sold online, then offline, and has an advice waiting: its files, by path. */
let base: ReadonlyMap<string, Buffer>;

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'possum-'));
  try {
    await possum(...SALE, '--data', folder);
    await possum('sale', '--card', 'visa-contactless', '--amount', '5.00', '--data', folder, ...NO_HOST);
    base = new Map(
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => {
          const path = join(entry.parentPath, entry.name);
          return [path.slice(folder.length + 1), readFileSync(path)];
        }),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** A copy of that terminal's folder. */
function terminal(): string {
  const folder = join(temporaryFolder(), 'shop');
  mkdirSync(join(folder, 'secure'), { recursive: true });
  mkdirSync(join(folder, 'cards'));
  for (const [path, content] of base) writeFileSync(join(folder, path), content);
  return folder;
}

/** What every command that changes something says on a folder. */
async function workers(folder: string): Promise<readonly Said[]> {
  const said: Said[] = [];
  for (const command of [
    SALE,
    ['settle'],
    ['void', '1'],
    ['run', fixturePath('scenarios', 'trading-day.yaml')],
  ]) {
    const [name, ...argv] = command as [string, ...string[]];
    said.push(await possum(name, ...argv, '--data', folder));
  }
  return said;
}

/** Expects the same sentence and exit code of all of them, and an unchanged database. */
async function refuses(folder: string, says: RegExp, code = 3): Promise<void> {
  const before = readFileSync(join(folder, 'terminal.db'));
  for (const said of await workers(folder)) {
    expect(said.stderr).toMatch(/^possum: [^\n]*\S\.\n$/);
    expect(said.stderr).toMatch(says);
    expect(said.code).toBe(code);
  }
  expect(readFileSync(join(folder, 'terminal.db')).equals(before)).toBe(true);
}

describe('a data folder on which nothing may be done', () => {
  it.each([
    [
      'a newer version',
      99,
      /terminal\.db: the database has version 99, this Possum knows \d+\. Use the newer Possum/,
    ],
    [
      'a version that was never released',
      1,
      /terminal\.db: the database has version 1, .* use another --data folder\./,
    ],
  ])('of %s is refused by all, and stays as it is', async (_, version, says) => {
    const folder = terminal();
    const database = await openDatabase(join(folder, 'terminal.db'));
    database.pragma(`user_version = ${version}`);
    database.close();
    await refuses(folder, says);
    for (const reader of ['batch', 'receipt']) {
      const said = await possum(reader, '--data', folder);
      expect([said.code, said.stderr]).toEqual([3, expect.stringMatching(says)]);
    }
  });

  it('with a damaged page is out of service, and stays as it is', async () => {
    const folder = terminal();
    const path = join(folder, 'terminal.db');
    const bytes = readFileSync(path);
    const page = bytes.readUInt16BE(16);
    for (let at = page; at < bytes.length; at += page) bytes[at + 3] = (bytes[at + 3] as number) ^ 0x5a;
    writeFileSync(path, bytes);
    const before = readFileSync(path);
    for (const said of await workers(folder)) {
      expect(said.stderr).toMatch(/terminal\.db: the database is damaged: .*/s);
      expect(said.stderr).toContain('Keep the file; restore a backup or use another --data folder.');
      expect(said.code).toBe(3);
    }
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('with a bit turned in a sealed message uploads nothing', async () => {
    const folder = terminal();
    const database = await openDatabase(join(folder, 'terminal.db'));
    const name = database
      .prepare("SELECT name FROM sqlite_schema WHERE name LIKE 'outbox%' AND type = 'table'")
      .get();
    const table = String(name?.name);
    const [column] = database
      .prepare(`SELECT name FROM pragma_table_info('${table}') WHERE type = 'BLOB'`)
      .all()
      .map((row) => String(row.name));
    const row = database
      .prepare(`SELECT id, ${column} AS sealed FROM ${table} ORDER BY id DESC LIMIT 1`)
      .get();
    const sealed = Uint8Array.from(row?.sealed as Uint8Array);
    sealed[sealed.length >> 1] = (sealed[sealed.length >> 1] as number) ^ 1;
    database.prepare(`UPDATE ${table} SET ${column} = ? WHERE id = ?`).run(sealed, Number(row?.id));
    database.close();
    await refuses(folder, /the journal was altered: outbox row \d+ .* Keep the file and report it/);
  });

  it('whose storage key is missing gets no new one', async () => {
    const folder = terminal();
    rmSync(join(folder, 'secure', 'storage.key'));
    await refuses(folder, /secure\/storage\.key: the storage key is missing\. .* put it back from a backup/);
    expect(existsSync(join(folder, 'secure', 'storage.key'))).toBe(false);
  });

  it('whose storage key was cut short', async () => {
    const folder = terminal();
    writeFileSync(join(folder, 'secure', 'storage.key'), 'short');
    await refuses(folder, /storage\.key: the storage key has 5 bytes instead of 32/);
  });

  it('with the storage key of another terminal', async () => {
    const folder = terminal();
    writeFileSync(join(folder, 'secure', 'storage.key'), Buffer.alloc(32, 7));
    await refuses(folder, /the journal was altered/);
  });

  it('that another process works on', async () => {
    const folder = terminal();
    const owner = await openDatabase(join(folder, 'terminal.lock'));
    owner.exec('BEGIN EXCLUSIVE');
    try {
      await refuses(
        folder,
        /another process runs this terminal\. End it, or choose another folder with --data/,
      );
      const looked = await possum('txn', 'list', '--data', folder);
      expect([looked.code, looked.stdout]).toEqual([0, expect.stringContaining('476173******0010')]);
    } finally {
      owner.close();
    }
  });

  it('whose database is a text', async () => {
    const folder = terminal();
    writeFileSync(join(folder, 'terminal.db'), 'not a database, but a text of some length\n'.repeat(200));
    await refuses(
      folder,
      /terminal\.db: the database failed: file is not a database\. The file is damaged: keep it/,
    );
  });

  it('that is a file', async () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    for (const folder of [file, join(file, 'below')]) {
      for (const said of await workers(folder)) {
        expect(said.stderr).toContain(`${folder}: there is a file where a folder is needed. Name a folder`);
        expect(said.code).toBe(2);
      }
    }
  });

  it('where nothing can be written', async () => {
    // Permissions do not stop a superuser.
    const folder = process.getuid?.() === 0 ? '/proc/possum' : join(readOnlyFolder(), 'shop');
    for (const said of await workers(folder)) {
      expect(said.stderr).toContain(`${folder}: nothing can be written in this folder. Check who owns it`);
      expect(said.code).toBe(3);
    }
  });
});

function readOnlyFolder(): string {
  const folder = temporaryFolder();
  chmodSync(folder, 0o500);
  return folder;
}

describe('a data folder', () => {
  it('whose write-ahead log is gone goes on from its last checkpoint', async () => {
    const folder = terminal();
    for (const name of readdirSync(folder)) if (/-(wal|shm)$/.test(name)) rmSync(join(folder, name));
    const said = await possum(...SALE, '--data', folder);
    expect(said.stderr).toBe('APPROVED_ONLINE: approved by the issuer (00)\n');
    const settled = await possum('settle', '--data', folder, '--json');
    expect(JSON.parse(settled.stdout)).toMatchObject({
      kind: 'settled',
      slip: { totals: { salesCount: 3, salesMinor: 700 }, hostTotals: 'balanced' },
    });
  });

  it('into which an altered write-ahead log was put settles nothing', async () => {
    const folder = terminal();
    const other = terminal();
    const open = await openDatabase(join(other, 'terminal.db'));
    open.pragma('journal_mode = WAL');
    open.exec('UPDATE txn SET amount = 999 WHERE id = 1');
    copyFileSync(join(other, 'terminal.db-wal'), join(folder, 'terminal.db-wal'));
    open.close();
    const said = await possum('settle', '--data', folder);
    expect(said.stderr).toContain(
      'terminal.db: the card data of transaction 1 was altered or erased. Do not settle',
    );
    expect(said.code).toBe(3);
  });

  it('survives --fresh when it was none', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'thesis.txt'), 'years of work');
    mkdirSync(join(folder, 'cards'));
    writeFileSync(join(folder, 'cards', 'mine.yaml'), 'x');
    const day = fixturePath('scenarios', 'offline-pin.yaml');
    expect((await possum('run', '--fresh', '--data', folder, day)).code).toBe(0);
    expect(readFileSync(join(folder, 'cards', 'mine.yaml'), 'utf8')).toBe('x');
    expect((await possum('run', '--fresh', '--data', folder, day)).code).toBe(0);
    expect(readFileSync(join(folder, 'thesis.txt'), 'utf8')).toBe('years of work');
  });

  it('can be copied, and both go on', async () => {
    const folder = terminal();
    const copy = join(temporaryFolder(), 'copy');
    cpSync(folder, copy, { recursive: true });
    for (const data of [folder, copy]) {
      expect((await possum(...SALE, '--data', data)).code).toBe(0);
      expect((await possum('settle', '--data', data)).code).toBe(0);
    }
  });
});
