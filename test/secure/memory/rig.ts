import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { IccFile } from '../../../devices/cards/schema.ts';
import {
  cardPath,
  createCard,
  createHost,
  createTerminal,
  createVirtualDevices,
  loadCard,
  switchedLine,
} from '../../../src/app.ts';
import { initialKey } from '../../../src/crypto/dukpt-tdes.ts';
import { loadHost } from '../../../src/host/config.ts';
import { fromHex, toHex } from '../../../src/platform/bytes.ts';
import { realClock } from '../../../src/platform/clock.ts';
import { fixturePath } from '../../../src/platform/fixtures.ts';
import { seededRandom, systemRandom } from '../../../src/platform/random.ts';
import { loadTerminalSettings } from '../../../src/terminal/config.ts';
import { type FrameKind, frame, frameReader } from './frames.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const BDK = fromHex('0123456789ABCDEFFEDCBA9876543210');
const ENTER = 10;
const CANCEL = 12;

/** A PIN that is found nowhere else. */
export function randomPin(): string {
  return Array.from({ length: 12 }, () => randomInt(10)).join('');
}

/** How a PIN is ended on the pad. */
export type PinEnd = 'enter' | 'cancel';

export interface Shop {
  readonly initialKey: Uint8Array;
  readonly ksn: Uint8Array;
  readonly terminalFile: string;
  readonly folder: string;
  readonly address: string;
  /** Card and PIN of each sale. */
  readonly pins: ReadonlyMap<string, string>;
  /** From now on the host takes requests and does not answer. */
  silence(): void;
  close(): Promise<void>;
}

/**
 * A host whose cards have these PINs, and the data folder of a terminal.
 * @param keys `loaded`: another process has loaded the initial key; `in-file`: it stands in the terminal file
 */
export async function openShop(
  folder: string,
  pins: ReadonlyMap<string, string>,
  keys: 'loaded' | 'in-file',
): Promise<Shop> {
  const clock = realClock();
  const config = loadHost(fixturePath('hosts', 'demo.yaml'));
  const pinOf = new Map([...pins].map(([card, pin]) => [cardFile(card).pan, pin]));
  const host = await createHost({
    config: {
      ...config,
      cards: config.cards.map((card) => {
        const pin = pinOf.get(card.pan);
        return pin === undefined ? card : { ...card, pin };
      }),
    },
    clock,
    random: systemRandom(),
    listen: '127.0.0.1:0',
  });
  const ksn = Uint8Array.from([0xff, 0xff, 0x98, ...randomBytes(4), randomBytes(1)[0] as number, 0, 0]);
  ksn[7] = (ksn[7] as number) & 0xe0;
  const key = initialKey(BDK, ksn);
  const terminalFile = join(folder, 'terminal.yaml');
  const demo = readFileSync(fixturePath('terminals', 'demo.yaml'), 'utf8')
    .replace(/^keys:\n(?: .*\n)+/m, '')
    .replace('../capk/test-ca.yaml', fixturePath('capk', 'test-ca.yaml'));
  writeFileSync(terminalFile, `${demo}\nkeys: { initialKey: ${toHex(key)}, ksn: ${toHex(ksn)} }\n`);
  if (keys === 'loaded') {
    const terminal = await createTerminal({
      settings: loadTerminalSettings(terminalFile),
      folder,
      clock,
      random: systemRandom(),
      devices: createVirtualDevices(clock),
      line: switchedLine(host.address, clock),
    });
    terminal.close();
    writeFileSync(terminalFile, demo);
  }
  return {
    initialKey: key,
    ksn,
    terminalFile,
    folder,
    address: host.address,
    pins,
    silence: () => host.host.setAnswer({ silence: true, times: 100 }),
    close: () => host.close(),
  };
}

export function cardFile(name: string): IccFile {
  return loadCard(cardPath(name)) as IccFile;
}

/** A terminal in a process of its own. */
export interface TerminalProcess {
  readonly pid: number;
  /** Sells to a card whose PIN is typed key by key. @returns outcome and reason */
  sale(card: string, end?: PinEnd): Promise<string>;
  /** A sale whose end is not waited for. @returns when the PIN is entered */
  beginSale(card: string, end?: PinEnd): Promise<void>;
  /** Has it leave these bytes in its memory. */
  leak(form: string, bytes: Uint8Array): Promise<void>;
  /** Stops it while `work` runs. */
  still<T>(work: () => T): T;
  close(): Promise<void>;
}

export async function startTerminal(script: string, shop: Shop, mood = ''): Promise<TerminalProcess> {
  const codes = shuffled(13);
  const child: ChildProcess = spawn(
    process.execPath,
    ['--expose-gc', script, shop.terminalFile, shop.folder, shop.address, codes.join(','), mood],
    { cwd: ROOT, stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const send = (kind: FrameKind, content?: Uint8Array) => child.stdin?.write(frame(kind, content));
  const waiting = new Map<FrameKind, Waiter>();
  const next = (kind: FrameKind) =>
    new Promise<Uint8Array>((resolveNext, reject) => {
      waiting.set(kind, { resolve: resolveNext, reject });
    });
  const fail = (why: string) => {
    for (const { reject } of waiting.values()) reject(new Error(why));
  };
  let respond: (command: Uint8Array) => Uint8Array = () => new Uint8Array(0);
  child.stdout?.on(
    'data',
    frameReader((kind, content) => {
      if (kind === 'command') send('answer', respond(content));
      else if (kind === 'ended' && waiting.has('prompt'))
        fail(`no PIN was asked for: ${Buffer.from(content)}`);
      else waiting.get(kind)?.resolve(content);
      waiting.delete(kind);
    }),
  );
  const ended = new Promise<void>((resolveEnd) => {
    child.once('close', (code) => {
      fail(`the terminal ended with ${code}`);
      resolveEnd();
    });
  });
  await next('ready');
  const pid = child.pid as number;
  const beginSale = async (name: string, end: PinEnd = 'enter') => {
    const pin = shop.pins.get(name) ?? '';
    const file: IccFile = { ...cardFile(name), pin: { value: pin, tries: 3 } };
    const card = createCard(file, { random: seededRandom(1) }).contact;
    card?.reset();
    respond = (command) => card?.respond(command) ?? new Uint8Array(0);
    const prompt = next('prompt');
    send('trade');
    await prompt;
    for (const digit of pin) {
      const star = next('stars');
      send('key', Uint8Array.of(codes[Number(digit)] as number));
      await star;
    }
    send('key', Uint8Array.of(codes[end === 'enter' ? ENTER : CANCEL] as number));
  };
  return {
    pid,
    beginSale,
    async sale(card, end) {
      const done = next('ended');
      await beginSale(card, end);
      return Buffer.from(await done).toString();
    },
    async leak(form, bytes) {
      const [mask = 0] = randomBytes(1);
      const planted = next('ready');
      const masked = bytes.map((byte) => byte ^ (mask | 0x80));
      send('leak', Uint8Array.from([mask | 0x80, form.length, ...Buffer.from(form), ...masked]));
      await planted;
    },
    still(work) {
      process.kill(pid, 'SIGSTOP');
      try {
        return work();
      } finally {
        process.kill(pid, 'SIGCONT');
      }
    },
    async close() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

interface Waiter {
  readonly resolve: (content: Uint8Array) => void;
  readonly reject: (cause: Error) => void;
}

/** Codes of keys that say nothing about the digits. */
function shuffled(count: number): readonly number[] {
  const codes = Array.from({ length: count }, (_, i) => 0x80 + 7 * i);
  for (let i = count - 1; i > 0; i--) {
    const j = randomInt(i + 1);
    [codes[i], codes[j]] = [codes[j] as number, codes[i] as number];
  }
  return codes;
}
