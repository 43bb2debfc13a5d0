import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { parseTcpAddress, requirePrivate } from '../../../devices/transport/address.ts';
import { listenTcp, tcpDialler } from '../../../devices/transport/tcp.ts';
import { type Clock, realClock, sleep, until, VirtualClock } from '../../../src/platform/clock.ts';
import type { ByteStream, Dialled, Listener } from '../../../src/ports/stream.ts';

const never = new AbortController().signal;
const START = 1_700_000_000_000;
const localhost = { host: '127.0.0.1', port: 0 };
const open: Listener[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((listener) => listener.close()));
});

async function listen(clock: Clock, serve: (stream: ByteStream) => void): Promise<Listener> {
  const listener = await listenTcp(localhost, serve, clock);
  open.push(listener);
  return listener;
}

/** Answers each chunk with itself, `delayMs` of business time later. */
function echo(clock: Clock, delayMs = 0) {
  return async (stream: ByteStream): Promise<void> => {
    for (;;) {
      const chunk = await stream.read(never);
      if (chunk === undefined) break;
      if (delayMs > 0) await sleep(clock, delayMs);
      await stream.write(chunk).catch(() => {});
    }
    await stream.close();
  };
}

function streamOf(dialled: Dialled): ByteStream {
  if (dialled.kind !== 'connected') throw new Error(dialled.reason);
  return dialled.stream;
}

async function exactly(stream: ByteStream, length: number): Promise<number> {
  let got = 0;
  while (got < length) {
    const chunk = await stream.read(never);
    if (chunk === undefined) break;
    got += chunk.length;
  }
  return got;
}

describe('loopback under a virtual clock', () => {
  it('does not let time pass while bytes are on their way', async () => {
    const clock = new VirtualClock(START);
    const listener = await listen(clock, echo(clock));
    await clock.run(
      (async () => {
        const stream = streamOf(await tcpDialler(listener.address, clock).dial(never, START + 1000));
        for (let i = 0; i < 100; i++) {
          await stream.write(Uint8Array.of(i));
          const answer = await until(clock, clock.now() + 10, stream.read(never));
          expect(answer).toEqual(Uint8Array.of(i));
        }
        await stream.close();
      })(),
    );
    expect(clock.now()).toBe(START);
  });

  it('lets exactly the delay of the other side pass', async () => {
    const clock = new VirtualClock(START);
    const listener = await listen(clock, echo(clock, 29_999));
    await clock.run(
      (async () => {
        const dialler = tcpDialler(listener.address, clock);
        for (const [waitMs, answered] of [
          [30_000, true],
          [29_000, false],
        ] as const) {
          const before = clock.now();
          const stream = streamOf(await dialler.dial(never, before + 1000));
          await stream.write(Uint8Array.of(7));
          const answer = await until(clock, before + waitMs, stream.read(never));
          expect(answer !== undefined).toBe(answered);
          expect(clock.now() - before).toBe(answered ? 29_999 : waitMs);
          await stream.close();
        }
      })(),
    );
  });

  it('notices the closing of the other side at once', async () => {
    const clock = new VirtualClock(START);
    const listener = await listen(clock, (stream) => {
      void stream.read(never).then(() => stream.close());
    });
    await clock.run(
      (async () => {
        const stream = streamOf(await tcpDialler(listener.address, clock).dial(never, START + 1000));
        await stream.write(Uint8Array.of(1));
        expect(await stream.read(never)).toBeUndefined();
        await stream.close();
        await expect(stream.write(Uint8Array.of(2))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      })(),
    );
    expect(clock.now()).toBe(START);
  });

  it('moves a megabyte', async () => {
    const clock = new VirtualClock(START);
    const listener = await listen(clock, echo(clock));
    const length = 1_000_000;
    await clock.run(
      (async () => {
        const stream = streamOf(await tcpDialler(listener.address, clock).dial(never, START + 1000));
        const [got] = await Promise.all([exactly(stream, length), stream.write(new Uint8Array(length))]);
        expect(got).toBe(length);
        await stream.close();
      })(),
    );
  });

  it('holds nothing for a reader that takes too little', async () => {
    const clock = new VirtualClock(START);
    const listener = await listen(clock, () => {});
    await clock.run(
      (async () => {
        const stream = streamOf(await tcpDialler(listener.address, clock).dial(never, START + 1000));
        void stream.write(new Uint8Array(2_000_000)).catch(() => {});
        await sleep(clock, 5000);
        await listener.close();
      })(),
    );
    expect(clock.now()).toBe(START + 5000);
  });

  it('refuses a port where nobody listens, and one whose listener has closed', async () => {
    const clock = new VirtualClock(START);
    const listener = await listen(clock, echo(clock));
    await listener.close();
    const dialled = await clock.run(tcpDialler(listener.address, clock).dial(never, START + 60_000));
    expect(dialled).toEqual({ kind: 'refused', reason: 'connection refused' });
    expect(clock.now()).toBe(START);
  });

  it('a closed listener closes what it accepted', async () => {
    const clock = new VirtualClock(START);
    const listener = await listen(clock, () => {});
    await clock.run(
      (async () => {
        const stream = streamOf(await tcpDialler(listener.address, clock).dial(never, START + 1000));
        const read = stream.read(never);
        await listener.close();
        expect(await read).toBeUndefined();
      })(),
    );
  });
});

describe('a stream', () => {
  it('gives up a read when the signal is aborted and loses nothing by it', async () => {
    const clock = realClock();
    const listener = await listen(clock, echo(clock));
    const stream = streamOf(await tcpDialler(listener.address, clock).dial(never, clock.now() + 5000));
    const abort = new AbortController();
    const read = stream.read(abort.signal);
    abort.abort();
    await expect(read).rejects.toMatchObject({ code: 'CANCELLED' });
    await stream.write(Uint8Array.of(9));
    expect(await stream.read(never)).toEqual(Uint8Array.of(9));
    await stream.close();
    await stream.close();
  });

  it('accepts a peer of another program, which may close its half first', async () => {
    const clock = realClock();
    const listener = await listen(clock, echo(clock));
    const { port } = parseTcpAddress(listener.address);
    const answer = await new Promise<number[]>((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
      const bytes: number[] = [];
      socket.on('data', (chunk) => bytes.push(...chunk));
      socket.on('end', () => resolve(bytes));
      socket.on('error', reject);
      socket.end(Uint8Array.of(1, 2, 3));
    });
    expect(answer).toEqual([1, 2, 3]);
  });

  it('ends when the peer resets the connection', async () => {
    const clock = realClock();
    let accepted: ByteStream | undefined;
    const listener = await listen(clock, (stream) => {
      accepted ??= stream;
    });
    const socket = connect({ host: '127.0.0.1', port: parseTcpAddress(listener.address).port });
    await new Promise((resolve) => socket.once('connect', resolve));
    // A second connection is accepted after the first.
    streamOf(await tcpDialler(listener.address, clock).dial(never, clock.now() + 5000));
    socket.resetAndDestroy();
    expect(await accepted?.read(never).catch(() => undefined)).toBeUndefined();
  });

  it('is not dialled once the signal is aborted', async () => {
    const clock = realClock();
    await expect(
      tcpDialler('127.0.0.1:9', clock).dial(AbortSignal.abort(), clock.now() + 1000),
    ).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('cannot listen on a port that is taken', async () => {
    const clock = realClock();
    const listener = await listen(clock, () => {});
    const { port } = parseTcpAddress(listener.address);
    await expect(listenTcp({ host: '127.0.0.1', port }, () => {}, clock)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: 'cannot listen: the address is in use',
    });
  });
});

describe('addresses', () => {
  it.each([
    ['127.0.0.1:5000', '127.0.0.1', 5000],
    ['tcp://localhost:1', 'localhost', 1],
    ['[::1]:65535', '::1', 65535],
  ])('%s', (text, host, port) => {
    expect(parseTcpAddress(text)).toEqual({ host, port });
  });

  it.each(['127.0.0.1', ':5000', '127.0.0.1:65536', '::1:5000', 'http://127.0.0.1:1', '127.0.0.1:1/x', ''])(
    'refuses %j',
    (text) => {
      expect(() => parseTcpAddress(text)).toThrow(expect.objectContaining({ code: 'USAGE' }) as Error);
    },
  );

  it.each(['localhost', '127.1.2.3', '10.0.0.1', '172.31.0.1', '192.168.1.1', '::1', 'fd00::1', 'fe80::1'])(
    '%s is private',
    (host) => {
      expect(() => requirePrivate(host)).not.toThrow();
    },
  );

  it.each([
    '8.8.8.8',
    '172.32.0.1',
    '0.0.0.0',
    '::',
    '2001:db8::1',
    'bank.example',
    'localhost.evil.example',
  ])('%s is public', (host) => {
    expect(() => requirePrivate(host)).toThrow(expect.objectContaining({ code: 'USAGE' }) as Error);
    expect(() => tcpDialler(`[${host}]:1`, realClock())).toThrow();
  });

  it('a flag allows public addresses', () => {
    expect(tcpDialler('8.8.8.8:1', realClock(), { allowPublic: true }).address).toBe('8.8.8.8:1');
  });
});
