import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Journal, openJournal } from '../../src/journal/journal.ts';
import { fromHex } from '../../src/platform/bytes.ts';
import { silentTrace } from '../../src/platform/trace.ts';
import { KSN_RECORD } from '../../src/ports/key-store.ts';
import { temporaryFolder } from '../support/folder.ts';
import { testSealer } from '../support/sealer.ts';

const KSN = fromHex('FFFF9876543210E00007');

/** Opens the journal, works on it and closes it. */
async function session(folder: string, work: (journal: Journal) => void = () => {}): Promise<void> {
  const journal = await openJournal(folder, testSealer(), { trace: silentTrace });
  try {
    work(journal);
  } finally {
    journal.close();
  }
}

function commits(count: number): (journal: Journal) => void {
  return (journal) => {
    for (let i = 0; i < count; i++) journal.commit('number', () => journal.counters.next('stan'));
  };
}

const database = (folder: string) => join(folder, 'terminal.db');
const mark = (folder: string) => join(folder, 'secure', 'high-water');

describe('the high-water file', () => {
  it('follows each commit with its number, the STAN and the next KSN', async () => {
    const folder = temporaryFolder();
    await session(folder, (journal) => {
      commits(2)(journal);
      journal.keyStore.atomically((write) => write.put(KSN_RECORD, KSN));
      expect(readFileSync(mark(folder), 'latin1').trim()).toBe('commits 3 stan 2 ksn FFFF9876543210E00007');
    });
    await session(folder, commits(1));
    expect(readFileSync(mark(folder), 'latin1').trim()).toBe('commits 4 stan 3 ksn FFFF9876543210E00007');
  });

  it('does not follow a unit of work that fails', async () => {
    const folder = temporaryFolder();
    await session(folder, (journal) => {
      commits(1)(journal);
      const broken = () =>
        journal.commit('broken', () => {
          journal.counters.next('stan');
          throw new Error('power');
        });
      expect(broken).toThrow('power');
      commits(1)(journal);
    });
    expect(readFileSync(mark(folder), 'latin1').trim()).toBe('commits 2 stan 2 ksn');
  });

  it('puts a terminal out of service whose database was put back to an older state', async () => {
    const folder = temporaryFolder();
    await session(folder, commits(3));
    copyFileSync(database(folder), join(folder, 'old.db'));
    await session(folder, commits(1));
    copyFileSync(join(folder, 'old.db'), database(folder));
    const opened = session(folder);
    await expect(opened).rejects.toMatchObject({ code: 'STORAGE', exitCode: 3 });
    await expect(session(folder)).rejects.toThrow(/older one: it has 3 commits, .* has made 4/);
  });

  it('puts a terminal out of service whose database is gone', async () => {
    const folder = temporaryFolder();
    await session(folder, commits(1));
    rmSync(database(folder));
    await expect(session(folder)).rejects.toThrow(/older one: it has 0 commits/);
    await expect(session(folder)).rejects.toThrow(/older one/);
  });

  it.each([
    ['is behind', (path: string) => writeFileSync(path, 'commits 1 stan 1 ksn\n')],
    ['is missing', (path: string) => rmSync(path)],
    ['is empty', (path: string) => writeFileSync(path, '')],
    ['was cut', (path: string) => writeFileSync(path, 'commits 99')],
    ['is something else', (path: string) => writeFileSync(path, Uint8Array.of(0, 255, 13))],
  ])('that %s says nothing, and is written with the next commit', async (_, spoil) => {
    const folder = temporaryFolder();
    await session(folder, commits(3));
    spoil(mark(folder));
    await session(folder, commits(1));
    expect(readFileSync(mark(folder), 'latin1').split('\n')[0]?.trim()).toBe('commits 4 stan 4 ksn');
  });

  it('that cannot be written stops nothing', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'secure'), '');
    await session(folder, commits(2));
    expect(existsSync(mark(folder))).toBe(false);
    await session(folder, (journal) => expect(journal.counters.current('stan')).toBe(2));
  });
});
