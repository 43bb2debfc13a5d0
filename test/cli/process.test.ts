import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openDatabase } from '../../src/platform/sqlite.ts';
import { temporaryFolder } from '../support/folder.ts';
import { possum as inProcess } from './in-process.ts';

const POSSUM = resolve(import.meta.dirname, '../../dist/possum.cjs');

/** The built program in a process of its own. */
class Running {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';

  readonly #closed: Promise<number | NodeJS.Signals>;
  #heard = () => {};

  constructor(command: string, argv: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.child = spawn(command, argv, { env: { ...process.env, ...env } });
    for (const name of ['stdout', 'stderr'] as const) {
      this.child[name]?.setEncoding('utf8').on('data', (text: string) => {
        this[name] += text;
        this.#heard();
      });
    }
    this.#closed = once(this.child, 'close').then(([code, signal]) => {
      this.#heard();
      return (code ?? signal) as number | NodeJS.Signals;
    });
    onTestFinished(() => void this.child.kill('SIGKILL'));
  }

  /** Waits until the program has said `text`, or has ended. */
  async says(text: string): Promise<void> {
    while (!(this.stdout + this.stderr).includes(text) && this.child.exitCode === null) {
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
    expect(this.stdout + this.stderr).toContain(text);
  }

  /** Exit code, or the signal that ended it. */
  ended(): Promise<number | NodeJS.Signals> {
    return this.#closed;
  }
}

const possum = (...argv: string[]) => new Running(process.execPath, [POSSUM, ...argv]);
const shell = (line: string) =>
  new Running('sh', ['-c', line], { POSSUM: `${process.execPath} ${POSSUM}`, BINARY: process.execPath });

describe('standard input', () => {
  it('may come in pieces', async () => {
    const run = possum('decode', 'tlv', '--json');
    // More than a pipe holds: the program is quicker than its writer.
    run.child.stdin?.end(`${' '.repeat(700_000)}9F0206000000001000`);
    expect(await run.ended()).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject([{ tag: '9F02', value: '000000001000' }]);
  });

  it('may be endless or binary: exit code 2', async () => {
    const run = shell(
      'yes 00 | $POSSUM decode tlv; echo $?; head -c 3000 "$BINARY" | $POSSUM decode tlv -; echo $?; $POSSUM decode tlv </dev/null; echo $?',
    );
    await run.ended();
    expect(run.stdout).toBe('2\n2\n2\n');
    expect(run.stderr).toMatch(
      /^possum: standard input: more than a mebibyte\. .*\npossum: (not hex|there are no bytes).*\npossum: there are no bytes\. .*\n$/,
    );
  });
});

describe('standard output', () => {
  it('may be closed early', async () => {
    const run = shell(
      '$POSSUM card list --json | head -1; $POSSUM run emv-fixtures/scenarios/trading-day.yaml | head -1; $POSSUM decode --help | true',
    );
    await run.ended();
    expect(run.stderr.split('\n').filter((line) => !line.startsWith('sh:'))).toEqual(['']);
    expect(run.stdout.split('\n')[0]).toBe('[');
  });
});

describe('possum host', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('ends in order at %s, with terminals connected', async (signal) => {
    const host = possum('host', '--listen', '127.0.0.1:0', '--trace');
    await host.says('Ctrl-C ends it');
    const address = /listening on (\S+)\. TEST - NOT A PAYMENT/.exec(host.stderr)?.[1] as string;
    const data = ['--data', temporaryFolder(), '--host', address];
    const sale = await inProcess(
      'sale',
      '--card',
      'visa-credit',
      '--pin',
      '1234',
      '--amount',
      '60.00',
      ...data,
    );
    expect(sale.stderr).toBe('APPROVED_ONLINE: approved by the issuer (00)\n');
    const settled = await inProcess('settle', ...data);
    expect(settled.stdout).toContain('HOST: BALANCED');
    host.child.kill(signal);
    expect(await host.ended()).toBe(0);
    expect(host.stderr).not.toContain('Alarm');
    const messages = host.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { mti: string });
    expect(messages.map(({ mti }) => mti)).toEqual(['0200', '0210', '0500', '0510']);
    expect(host.stdout).not.toContain('4761739001010010');
  });

  it('says why it declines a terminal that began again', async () => {
    const host = possum('host', '--listen', '127.0.0.1:0');
    await host.says('Ctrl-C ends it');
    const address = /listening on (\S+)\. TEST/.exec(host.stderr)?.[1] as string;
    const sale = ['--card', 'visa-credit', '--pin', '1234', '--amount', '60.00', '--host', address];
    expect((await inProcess('sale', ...sale, '--data', temporaryFolder())).code).toBe(0);
    const again = await inProcess('sale', ...sale, '--data', temporaryFolder());
    expect(again).toMatchObject({ code: 1, stderr: 'DECLINED_ONLINE: the issuer declined (A0)\n' });
    await host.says('Alarm: ksn-reused: a terminal begins again');
  });

  it('keeps its books in a folder, and forgets the keys of a terminal when it is told to', async () => {
    const books = temporaryFolder();
    const serve = async (...options: string[]): Promise<ReturnType<typeof possum>> => {
      const host = possum('host', '--listen', '127.0.0.1:0', '--data', books, ...options);
      await host.says('Ctrl-C ends it');
      return host;
    };
    const codes: number[] = [];
    let lastFolder: string | undefined;
    for (const options of [[], [], ['--reset-terminal', '10000001']]) {
      const host = await serve(...options);
      const address = /listening on (\S+)\. TEST/.exec(host.stderr)?.[1] as string;
      const sale = ['--card', 'visa-credit', '--pin', '1234', '--amount', '60.00', '--host', address];
      const folder = temporaryFolder();
      // The terminal is new, the cards are not: the issuer knows their counters.
      if (lastFolder !== undefined)
        cpSync(join(lastFolder, 'cards'), join(folder, 'cards'), { recursive: true });
      codes.push((await inProcess('sale', ...sale, '--data', folder)).code);
      await inProcess('settle', '--data', folder, '--host', address);
      lastFolder = folder;
      host.child.kill('SIGTERM');
      expect(await host.ended()).toBe(0);
    }
    expect(codes).toEqual([0, 1, 0]);
  });

  it('says that a terminal cannot be forgotten without books', async () => {
    const said = await inProcess('host', '--reset-terminal', '10000001');
    expect([said.code, said.stderr]).toEqual([2, expect.stringContaining('Name their folder with --data')]);
  });

  it('says that a port is taken, with exit code 3', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const said = await inProcess('host', '--listen', address);
    expect(said.stderr).toContain(`${address}: cannot listen`);
    expect(said.code).toBe(3);
  });
});

describe('an interrupt', () => {
  it('ends a run before its next step, with the journal intact', async () => {
    const folder = temporaryFolder();
    const file = join(temporaryFolder(), 'long.yaml');
    const sale = '  - sale: { amount: 60.00, card: visa-credit, pin: 1234 }\n';
    writeFileSync(file, `name: long\nsteps:\n${sale.repeat(900)}`);
    const run = possum('run', file, '--data', folder);
    await run.says('ok     3/900');
    run.child.kill('SIGINT');
    expect(await run.ended()).toBe(1);
    expect(run.stderr).toMatch(/^possum: \S+long\.yaml, step \d+: interrupted before this step\.\n$/);
    const played = run.stdout.split('\n').filter((line) => line.startsWith('ok')).length;
    const listed = await inProcess('txn', 'list', '--json', '--data', folder);
    const rows = JSON.parse(listed.stdout) as { state: string }[];
    expect(rows.map(({ state }) => state)).toEqual(Array(played).fill('APPROVED'));
  });

  it('twice ends a sale at once; what was on its way is reversed by the next command', async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      silent.close();
    });
    const folder = temporaryFolder();
    const address = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const sale = possum(
      ...['sale', '--card', 'visa-credit', '--pin', '1234', '--amount', '60.00'],
      ...['--data', folder, '--host', address],
    );
    const [socket] = (await once(silent, 'connection')) as [Socket];
    await once(socket, 'data');
    sale.child.kill('SIGTERM');
    await sale.says('Interrupted');
    sale.child.kill('SIGTERM');
    expect(await sale.ended()).toBe('SIGTERM');
    const before = await inProcess('txn', 'list', '--data', folder);
    expect(before.stdout).toContain('PENDING');
    await inProcess('settle', '--data', folder);
    const after = await inProcess('txn', 'list', '--data', folder);
    expect(after.stdout).toContain('REVERSED');
  });
});

describe('a second process on a data folder', () => {
  it('ends with exit code 3, the first one is not disturbed', async () => {
    const folder = temporaryFolder();
    const owner = await openDatabase(join(folder, 'terminal.lock'));
    owner.exec('BEGIN EXCLUSIVE');
    onTestFinished(() => owner.close());
    const run = possum('run', 'emv-fixtures/scenarios/trading-day.yaml', '--data', folder);
    expect(await run.ended()).toBe(3);
    expect(run.stderr).toBe(
      `possum: ${folder}: another process runs this terminal. End it, or choose another folder with --data.\n`,
    );
  });
});
