import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { transactionKey, withCounter } from '../../../src/crypto/dukpt-tdes.ts';
import { systemRandom } from '../../../src/platform/random.ts';
import { KSN_RECORD } from '../../../src/ports/key-store.ts';
import { openSecureStorage } from '../../../src/secure/storage.ts';
import { bundleProgram } from '../../support/bundle.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { type Core, INITIAL_KEY, isRight, KSN, openCore, type Sent } from './terminal.ts';

class PowerCut extends Error {}

/** A terminal whose power fails at the `cutAt`-th statement after its start; 0 never. */
async function withPower(
  folder: string,
  isNew: boolean,
  cutAt: number,
  work: (core: Core) => Promise<void>,
): Promise<number> {
  let statements = 0;
  let isOpen = false;
  const core = await openCore(folder, isNew, () => {
    if (isOpen && ++statements >= cutAt && cutAt > 0) throw new PowerCut();
  });
  isOpen = true;
  try {
    await work(core);
  } catch (cause) {
    if (!(cause instanceof PowerCut)) throw cause;
  } finally {
    core.close();
  }
  return statements;
}

/** What is wrong with the messages that a host saw, in their order. */
function wrongOrder(seen: readonly Sent[]): readonly string[] {
  return seen.flatMap((sent, index) => {
    const before = seen[index - 1];
    return [
      ...(isRight(sent) ? [] : [`${sent.ksn} is not under its own key`]),
      ...(before !== undefined && sent.ksn <= before.ksn ? [`${sent.ksn} follows ${before.ksn}`] : []),
    ];
  });
}

describe.each([
  { what: 'a message', withPin: false },
  { what: 'a PIN', withPin: true },
])('the power fails while the key of $what is taken', ({ withPin }) => {
  it.each([0, 1, 3, 7, 15])('after %i keys, at any statement: no KSN comes twice', async (before) => {
    const take = (seen: Sent[]) => async (core: Core) => {
      const sent = await core.take(withPin);
      if (sent !== undefined) seen.push(sent);
    };
    const prepared = async (seen: Sent[]) => {
      const folder = temporaryFolder();
      await withPower(folder, true, 0, async (core) => {
        for (let i = 0; i < before; i++) await take(seen)(core);
      });
      return folder;
    };
    const statements = await withPower(await prepared([]), false, 0, take([]));
    expect(statements).toBeGreaterThan(5);
    for (let cutAt = 1; cutAt <= statements; cutAt++) {
      const seen: Sent[] = [];
      const folder = await prepared(seen);
      await withPower(folder, false, cutAt, take(seen));
      const known = seen.length;
      await withPower(folder, false, 0, async (core) => {
        for (let i = 0; i < 4; i++) await take(seen)(core);
      });
      expect(seen.length - known, `cut at ${cutAt}`).toBe(4);
      expect(wrongOrder(seen), `cut at ${cutAt}`).toEqual([]);
    }
  });
});

describe('the last KSN', () => {
  const last = withCounter(KSN, 0x1ff800);

  it('is used once at most, wherever the power fails', async () => {
    const register = 'dukpt/0/register/12';
    const counts: number[] = [];
    for (let cutAt = 0; cutAt === 0 || cutAt <= (counts[0] ?? 0); cutAt++) {
      const folder = temporaryFolder();
      await withPower(folder, true, 0, async ({ journal }) => {
        const { sealer } = openSecureStorage(join(folder, 'secure'), systemRandom(), false);
        journal.keyStore.atomically((write) => {
          write.put(KSN_RECORD, last);
          write.put(register, sealer.seal(transactionKey(INITIAL_KEY, last), register));
        });
      });
      const seen: Sent[] = [];
      const take = async (core: Core) => {
        for (let i = 0; i < 2; i++) {
          const sent = await core.take(true);
          if (sent !== undefined) seen.push(sent);
        }
      };
      counts.push(await withPower(folder, false, cutAt, take));
      await withPower(folder, false, 0, async (core) => {
        await take(core);
        expect(core.secure.status()).toBe('exhausted');
      });
      expect(wrongOrder(seen), `cut at ${cutAt}`).toEqual([]);
      expect(seen.length).toBeLessThanOrEqual(1);
    }
    expect(counts.length).toBeGreaterThan(5);
  });
});

describe('an older database', () => {
  it('is refused before any KSN of it could come again', async () => {
    const folder = temporaryFolder();
    const take = async (core: Core) => void (await core.take(false));
    await withPower(folder, true, 0, take);
    copyFileSync(join(folder, 'terminal.db'), join(folder, 'old.db'));
    await withPower(folder, false, 0, take);
    copyFileSync(join(folder, 'old.db'), join(folder, 'terminal.db'));
    await expect(withPower(folder, false, 0, take)).rejects.toThrow(
      /older one: .* KSN FFFF9876543210E00002; this terminal has made .* KSN FFFF9876543210E00003/,
    );
  });
});

describe('a process that is killed while it takes keys', () => {
  /** @param enough kills it from outside once so many KSNs were heard */
  function run(child: string, folder: string, killAt: number, count: number, enough = Infinity) {
    return new Promise<{ readonly seen: readonly Sent[]; readonly statements: number }>((done, reject) => {
      const parameters = [child, folder, String(killAt), String(count)];
      const started: ChildProcess = spawn(process.execPath, parameters, {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let output = '';
      let errors = '';
      started.stdout?.on('data', (chunk) => {
        output += String(chunk);
        if (output.split('\n').length > enough) started.kill('SIGKILL');
      });
      started.stderr?.on('data', (chunk) => {
        errors += String(chunk);
      });
      started.once('close', (code, signal) => {
        if (signal === null && code !== 0) return reject(new Error(errors));
        const lines = output.split('\n').map((line) => line.split(' '));
        const whole = lines.filter(([ksn = '', mac = '']) => ksn.length === 20 && mac.length === 16);
        done({
          seen: whole.map(([ksn = '', mac = '']) => ({ ksn, mac })),
          statements: Number(lines.find(([word]) => word === 'statements')?.[1] ?? 0),
        });
      });
    });
  }

  it('never says a KSN twice', async () => {
    const child = await bundleProgram(join(import.meta.dirname, 'child.ts'), 'crash-child');
    const first = temporaryFolder();
    const { statements } = await run(child, first, 0, 4);
    const folder = temporaryFolder();
    const seen: Sent[] = [];
    for (let killAt = 1; killAt <= statements; killAt += 4) {
      seen.push(...(await run(child, folder, killAt, 4)).seen);
    }
    for (const enough of [3, 10, 30]) seen.push(...(await run(child, folder, 0, 100, enough)).seen);
    expect(seen.length).toBeGreaterThan(40);
    expect(wrongOrder(seen)).toEqual([]);
  });
});
