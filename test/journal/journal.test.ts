import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Journal, openJournal, viewJournal } from '../../src/journal/journal.ts';
import type { NewTransaction } from '../../src/journal/transactions.ts';
import { latin1 } from '../../src/platform/bytes.ts';
import { PossumError } from '../../src/platform/errors.ts';
import { Pan } from '../../src/platform/secret.ts';
import { openDatabase } from '../../src/platform/sqlite.ts';
import { silentTrace } from '../../src/platform/trace.ts';
import { temporaryFolder } from '../support/folder.ts';
import { testSealer } from '../support/sealer.ts';

const PAN = '4761739001010010';

async function open(folder: string, onStatement?: (sql: string) => void): Promise<Journal> {
  const journal = await openJournal(folder, testSealer(), {
    trace: silentTrace,
    ...(onStatement === undefined ? {} : { onStatement }),
  });
  onTestFinished(() => journal.close());
  return journal;
}

function sale(journal: Journal, over: Partial<NewTransaction> = {}): number {
  const { id } = journal.commit('sale', () =>
    journal.transactions.insert(journal.batches.ensureOpen(0).id, {
      kind: 'sale',
      state: 'PENDING',
      online: true,
      stan: journal.counters.next('stan'),
      invoice: journal.counters.next('invoice'),
      amountMinor: 1000,
      currency: '826',
      cardData: { pan: new Pan(PAN), expiry: '2912' },
      entryMode: '051',
      atMs: 0,
      detail: { interface: 'contact' },
      ...over,
    }),
  );
  return id;
}

describe('the database', () => {
  it('works in WAL with a full fsync per commit', async () => {
    const folder = temporaryFolder();
    await open(folder);
    const other = await openDatabase(join(folder, 'terminal.db'), { readonly: true });
    expect(other.pragma('journal_mode')).toBe('wal');
    other.close();
  });

  it('belongs to one process; others may look', async () => {
    const folder = temporaryFolder();
    const journal = await open(folder);
    sale(journal);
    await expect(openJournal(folder, testSealer(), { trace: silentTrace })).rejects.toMatchObject({
      code: 'LOCKED',
    });
    const view = await viewJournal(folder);
    expect(view.transactions.list()).toHaveLength(1);
    view.close();
  });

  it('refuses a newer version and says so', async () => {
    const folder = temporaryFolder();
    const journal = await openJournal(folder, testSealer(), { trace: silentTrace });
    journal.close();
    const database = await openDatabase(join(folder, 'terminal.db'));
    database.exec('PRAGMA user_version = 99');
    database.close();
    await expect(openJournal(folder, testSealer(), { trace: silentTrace })).rejects.toThrow(/version 99/);
  });

  it('refuses a damaged file and leaves it as it is', async () => {
    const folder = temporaryFolder();
    const journal = await openJournal(folder, testSealer(), { trace: silentTrace });
    for (let i = 0; i < 200; i++) sale(journal);
    journal.close();
    const path = join(folder, 'terminal.db');
    const bytes = readFileSync(path);
    for (let at = 8192 + 10; at < bytes.length; at += 4096) bytes[at] = (bytes[at] as number) ^ 0xff;
    writeFileSync(path, bytes);
    copyFileSync(path, join(folder, 'before'));
    await expect(openJournal(folder, testSealer(), { trace: silentTrace })).rejects.toMatchObject({
      code: 'STORAGE',
    });
    expect(readFileSync(path).equals(readFileSync(join(folder, 'before')))).toBe(true);
  });

  it('says that nobody has worked in an empty folder', async () => {
    await expect(viewJournal(temporaryFolder())).rejects.toThrow(/no terminal has worked/);
  });
});

describe('a unit of work', () => {
  it('commits once, whatever it does', async () => {
    const statements: string[] = [];
    const journal = await open(temporaryFolder(), (sql) => statements.push(sql));
    statements.length = 0;
    sale(journal);
    expect(statements.filter((sql) => sql === 'COMMIT')).toHaveLength(1);
  });

  it('leaves nothing behind when it fails', async () => {
    const journal = await open(temporaryFolder());
    sale(journal);
    const before = journal.counters.current('stan');
    expect(() =>
      journal.commit('broken', () => {
        journal.counters.next('stan');
        journal.keyStore.atomically((write) => write.put('x', Uint8Array.of(1)));
        throw new Error('power');
      }),
    ).toThrow('power');
    expect(journal.counters.current('stan')).toBe(before);
    expect(journal.keyStore.get('x')).toBeUndefined();
  });

  it('that fails leaves counters and batch as they are in the file', async () => {
    const journal = await open(temporaryFolder());
    expect(() =>
      journal.commit('broken', () => {
        journal.batches.ensureOpen(0);
        journal.counters.next('stan');
        throw new Error('power');
      }),
    ).toThrow('power');
    expect([journal.batches.current(), journal.counters.current('stan')]).toEqual([undefined, 0]);
    sale(journal);
    const batch = journal.batches.current()?.id as number;
    expect(() =>
      journal.commit('broken', () => {
        journal.batches.markMustSettle(batch);
        expect(journal.batches.current()?.state).toBe('MUST_SETTLE');
        throw new Error('power');
      }),
    ).toThrow('power');
    expect([journal.batches.current()?.state, journal.batches.byId(batch)?.state]).toEqual(['OPEN', 'OPEN']);
  });
});

describe('counters', () => {
  it('go from 999999 to 1', async () => {
    const journal = await open(temporaryFolder());
    journal.commit('wrap', () => {
      for (let i = 0; i < 3; i++) journal.counters.next('invoice');
    });
    const database = await openDatabase(join(temporaryFolder(), 'x.db'));
    database.close();
    expect(journal.counters.current('invoice')).toBe(3);
  });
});

describe('transactions', () => {
  it('only move forward', async () => {
    const journal = await open(temporaryFolder());
    const id = sale(journal);
    journal.commit('a', () => journal.transactions.advance(id, { state: 'DECLINED', responseCode: '51' }));
    for (const state of ['APPROVED', 'MUST_REVERSE', 'REVERSED', 'PENDING'] as const) {
      expect(() => journal.commit('b', () => journal.transactions.advance(id, { state }))).toThrow(
        /cannot go/,
      );
    }
  });

  it('keep the card sealed, bound to their row and amount', async () => {
    const folder = temporaryFolder();
    const journal = await open(folder);
    const first = sale(journal);
    const second = sale(journal);
    expect(journal.transactions.cardData(first).pan.reveal()).toBe(PAN);
    const raw = Buffer.concat([
      readFileSync(join(folder, 'terminal.db')),
      readFileSync(join(folder, 'terminal.db-wal')),
    ]);
    expect(raw.includes(PAN)).toBe(false);
    expect(journal.transactions.find(first)?.card).toBe('476173******0010');
    const database = await openDatabase(join(folder, 'terminal.db'));
    database
      .prepare('UPDATE txn SET card_sealed = (SELECT card_sealed FROM txn WHERE id = ?) WHERE id = ?')
      .run(first, second);
    database.close();
    expect(() => journal.transactions.cardData(second)).toThrow(/altered/);
  });

  it('count net: voided sales and their voids vanish', async () => {
    const journal = await open(temporaryFolder());
    const [kept, voided] = [sale(journal), sale(journal, { amountMinor: 500 })];
    const refund = sale(journal, { kind: 'refund', amountMinor: 200 });
    const open_ = sale(journal, { amountMinor: 7 });
    const takeBack = sale(journal, { kind: 'void', amountMinor: 500, originalId: voided });
    journal.commit('x', () => {
      for (const id of [kept, voided, refund, takeBack])
        journal.transactions.advance(id, { state: 'APPROVED' });
      journal.transactions.markVoided(voided, takeBack);
      journal.transactions.advance(open_, { state: 'MUST_REVERSE' });
    });
    const batch = journal.batches.current()?.id as number;
    expect(journal.transactions.totals(batch)).toEqual({
      salesCount: 1,
      salesMinor: 1000,
      refundsCount: 1,
      refundsMinor: 200,
    });
  });
});

describe('the outbox', () => {
  it('is sent reversals first, then advices, each in their order', async () => {
    const journal = await open(temporaryFolder());
    const id = sale(journal);
    journal.commit('x', () => {
      journal.outbox.insert('advice', id, 1000, 'DUE', latin1('a'));
      journal.outbox.insert('advice', id, 1000, 'DUE', latin1('b'));
      journal.outbox.insert('reversal', id, 1000, 'DUE', latin1('r'));
      journal.outbox.insert('reversal', id, 1000, 'HELD', latin1('h'));
    });
    expect(journal.outbox.due().map(({ kind, id: row }) => `${kind} ${row}`)).toEqual([
      'reversal 3',
      'advice 1',
      'advice 2',
    ]);
  });

  it.each([
    { what: 'an edited amount', sql: 'UPDATE outbox SET amount = 1 WHERE id = 2' },
    { what: 'a deleted row', sql: 'DELETE FROM outbox WHERE id = 2' },
    { what: 'a deleted last row', sql: 'DELETE FROM outbox WHERE id = 3' },
    {
      what: 'swapped rows',
      sql: 'UPDATE outbox SET id = -1 WHERE id = 1; UPDATE outbox SET id = 1 WHERE id = 2; UPDATE outbox SET id = 2 WHERE id = -1',
    },
  ])('notices $what', async ({ sql }) => {
    const folder = temporaryFolder();
    const journal = await open(folder);
    const id = sale(journal);
    journal.commit('x', () => {
      for (const amount of [10, 20, 30]) journal.outbox.insert('advice', id, amount, 'DUE', latin1('a'));
    });
    journal.outbox.verifyChain();
    const database = await openDatabase(join(folder, 'terminal.db'));
    database.exec(sql);
    database.close();
    expect(() => journal.outbox.verifyChain()).toThrow(/altered/);
  });

  it('erases the content of a closed row', async () => {
    const journal = await open(temporaryFolder());
    const id = sale(journal);
    const row = journal.commit('x', () =>
      journal.outbox.insert('reversal', id, 10, 'HELD', latin1('secret')),
    );
    journal.commit('y', () => journal.outbox.close(row, 'CLEARED'));
    const closed = journal.outbox.find(row);
    expect(closed?.state).toBe('CLEARED');
    expect(() => journal.outbox.content(closed as never)).toThrow(/does not open/);
  });
});

describe('a full disk', () => {
  const full = () => new PossumError('STORAGE', 'the database failed', { cause: { code: 'SQLITE_FULL' } });

  it('gets the reserve back, so that what was begun can be finished', async () => {
    const folder = temporaryFolder();
    let isFull = false;
    const journal = await open(folder, (sql) => {
      if (isFull && existsSync(join(folder, 'reserve')) && sql === 'COMMIT') throw full();
    });
    const id = sale(journal);
    isFull = true;
    journal.commit('end', () => journal.transactions.advance(id, { state: 'MUST_REVERSE' }));
    expect([journal.transactions.find(id)?.state, existsSync(join(folder, 'reserve'))]).toEqual([
      'MUST_REVERSE',
      false,
    ]);
  });

  it('that stays full is an error, and nothing is half done', async () => {
    let isFull = false;
    const journal = await open(temporaryFolder(), (sql) => {
      if (isFull && sql.startsWith('UPDATE txn')) throw full();
    });
    const id = sale(journal);
    isFull = true;
    const end = () =>
      journal.commit('end', () => journal.transactions.advance(id, { state: 'MUST_REVERSE' }));
    expect(end).toThrow(/database failed/);
    expect(end).toThrow(/database failed/);
    isFull = false;
    expect(journal.transactions.find(id)?.state).toBe('PENDING');
    end();
    expect(journal.transactions.find(id)?.state).toBe('MUST_REVERSE');
  });

  it('has no room for a new transaction, and no reserve is made on it', async () => {
    const folder = temporaryFolder();
    let freeBytes = 3 << 20;
    const options = { trace: silentTrace, freeBytes: () => freeBytes };
    const journal = await openJournal(folder, testSealer(), options);
    onTestFinished(() => journal.close());
    expect([journal.hasRoom(), existsSync(join(folder, 'reserve'))]).toEqual([false, false]);
    freeBytes = 4 << 20;
    expect(journal.hasRoom()).toBe(true);
  });
});
