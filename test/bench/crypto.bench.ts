import { createRequire } from 'node:module';
import { aesCmac, tdesCmac } from '../../src/crypto/cmac.ts';
import { aesTransactionKey, aesWithCounter, nextAesKsn } from '../../src/crypto/dukpt-aes.ts';
import { aesKeyReplay, type KeyReplay, tdesKeyReplay } from '../../src/crypto/dukpt-replay.ts';
import {
  counterOf,
  futureKeys,
  initialKey,
  nextKsn,
  pinKey,
  transactionKey,
  withCounter,
} from '../../src/crypto/dukpt-tdes.ts';
import { retailMac } from '../../src/crypto/mac.ts';
import { equalBytes, toHex } from '../../src/platform/bytes.ts';
import { seededRandom } from '../../src/platform/random.ts';
import { atLeast, type Contestant, type Figure, group, perSecond, race, ratio, smoke } from './harness.ts';
import {
  plainAes,
  plainAesTransactionKey,
  plainCmac,
  plainDes,
  plainRetailMac,
  plainTransactionKey,
} from './plain-crypto.ts';

/** npm `dukpt`, which derives from the BDK in one go. */
const Dukpt = createRequire(import.meta.url)('dukpt') as new (
  bdk: string,
  ksn: string,
  mode: 'pinkey',
) => { readonly _sessionKey: string };

const random = seededRandom('bench/crypto');
const INITIAL = Buffer.from(random.bytes(16));
const TDES_KSN = Uint8Array.from(Buffer.from('FFFF9876543210E00000', 'hex'));
const AES_KSN = Uint8Array.from(Buffer.from('123456789012345600000000', 'hex'));
const MESSAGE = Buffer.from(random.bytes(250));
const KSNS = 64;
const ROW = smoke ? 2_000 : 100_000;
const TURN = { rounds: 25, sliceMs: 40 };

/** KSNs all over a device's first hundred thousand transactions. */
function spread(at: (counter: number) => Uint8Array, ones: number): Buffer[] {
  const ksns: Buffer[] = [];
  while (ksns.length < KSNS) {
    const counter = 1 + random.below(100_000);
    if (counter.toString(2).replaceAll('0', '').length <= ones) ksns.push(Buffer.from(at(counter)));
  }
  return ksns;
}

/** The KSNs of one device in a row. */
function row(start: Uint8Array, next: (ksn: Uint8Array) => Uint8Array | undefined): Uint8Array[] {
  const ksns: Uint8Array[] = [];
  for (let ksn = next(start); ksn !== undefined && ksns.length < ROW; ksn = next(ksn)) ksns.push(ksn);
  return ksns;
}

function each<T>(name: string, inputs: readonly T[], work: (input: T) => unknown): Contestant {
  const run = () => {
    for (const input of inputs) work(input);
  };
  return { name, batch: inputs.length, run };
}

function agree(what: string, ours: Uint8Array, theirs: Uint8Array): void {
  if (!equalBytes(ours, theirs)) throw new Error(`${what}: ${toHex(ours)} is not ${toHex(theirs)}`);
}

/** Races `ours` against `theirs` and compares the rates. */
async function duel(
  name: string,
  ours: Contestant,
  theirs: Contestant,
  limit?: number,
  turn = TURN,
): Promise<Figure> {
  const [a = [], b = []] = await race([ours, theirs], turn);
  return {
    name: `${name}, ${ours.name} against ${theirs.name}`,
    measured: `${perSecond(a)} : ${perSecond(b)}`,
    value: ratio(a, b),
    ...(limit === undefined ? {} : { limit: atLeast(limit) }),
  };
}

/** A terminal's registers in memory, as X9.24-1 moves them. */
function registers(): () => void {
  let keys: (Uint8Array | undefined)[] = [];
  let ksn: Uint8Array | undefined;
  return () => {
    if (ksn === undefined) {
      keys = futureKeys(INITIAL, TDES_KSN, 21);
      ksn = withCounter(TDES_KSN, 1);
    }
    const counter = counterOf(ksn);
    const lowest = 31 - Math.clz32(counter & -counter);
    const used = keys[lowest];
    if (used === undefined) throw new Error('an empty register');
    const refilled = futureKeys(used, ksn, lowest);
    for (let n = 0; n < refilled.length; n++) keys[n] = refilled[n];
    used.fill(0);
    keys[lowest] = undefined;
    ksn = nextKsn(ksn);
  };
}

function replayed(create: () => KeyReplay, ksns: readonly Uint8Array[]): Contestant {
  const run = () => {
    const replay = create();
    for (const ksn of ksns) replay.transactionKey(ksn).fill(0);
    replay.wipe();
  };
  return { name: 'keys along the counter kept', batch: ksns.length, run };
}

/** PIN keys from the BDK, each from its start, as npm `dukpt` makes them. */
async function againstPeer(ksns: readonly Buffer[]): Promise<Figure[]> {
  const bdk = toHex(INITIAL);
  const ours = (ksn: Uint8Array) => pinKey(transactionKey(initialKey(INITIAL, ksn), ksn));
  const inputs = ksns.map((ksn) => ({ ksn, text: toHex(ksn) }));
  for (const { ksn, text } of inputs) {
    const theirs = new Dukpt(bdk, text, 'pinkey')._sessionKey.replace(/\s/g, '');
    agree('PIN key', ours(ksn), Buffer.from(theirs, 'hex'));
  }
  return [
    await duel(
      'TDES DUKPT PIN key from the BDK',
      each('tables', inputs, ({ ksn }) => ours(ksn)),
      each('npm dukpt', inputs, ({ text }) => new Dukpt(bdk, text, 'pinkey')),
      6,
    ),
  ];
}

async function measure(): Promise<readonly Figure[]> {
  const tdes = spread((counter) => withCounter(TDES_KSN, counter), 10);
  const aes = spread((counter) => aesWithCounter(AES_KSN, counter), 16);
  for (const ksn of tdes) agree('TDES', transactionKey(INITIAL, ksn), plainTransactionKey(INITIAL, ksn));
  for (const ksn of aes) agree('AES', aesTransactionKey(INITIAL, ksn), plainAesTransactionKey(INITIAL, ksn));
  agree('retail MAC', retailMac(INITIAL, MESSAGE), plainRetailMac(INITIAL, MESSAGE));
  agree('AES CMAC', aesCmac(INITIAL, MESSAGE), plainCmac(plainAes, 16, INITIAL, MESSAGE));
  agree('TDES CMAC', tdesCmac(INITIAL, MESSAGE), plainCmac(plainDes, 8, INITIAL, MESSAGE));
  const fullTdes = (ksn: Uint8Array) => transactionKey(INITIAL, ksn).fill(0);
  const fullAes = (ksn: Uint8Array) => aesTransactionKey(INITIAL, ksn).fill(0);
  const tdesRow = row(TDES_KSN, nextKsn);
  const aesRow = row(AES_KSN, nextAesKsn);
  const messages = [MESSAGE, MESSAGE, MESSAGE, MESSAGE];
  const next = registers();
  const long = { rounds: 9, sliceMs: 40 };
  return [
    await duel(
      'TDES DUKPT transaction key',
      each('tables', tdes, fullTdes),
      each('node:crypto call by call', tdes, (ksn) => plainTransactionKey(INITIAL, ksn)),
      8,
    ),
    ...(await againstPeer(tdes)),
    await duel(
      'AES DUKPT transaction key',
      each('tables', aes, fullAes),
      each('node:crypto call by call', aes, (ksn) => plainAesTransactionKey(INITIAL, ksn)),
      4,
    ),
    await duel(
      'next TDES DUKPT key of a terminal',
      each('registers', tdesRow, next),
      each('full derivation', tdesRow, fullTdes),
      3,
      long,
    ),
    await duel(
      `TDES DUKPT keys of ${ROW} KSNs in a row`,
      replayed(() => tdesKeyReplay(INITIAL, TDES_KSN), tdesRow),
      each('full derivation', tdesRow, fullTdes),
      4,
      long,
    ),
    await duel(
      `AES DUKPT keys of ${ROW} KSNs in a row`,
      replayed(() => aesKeyReplay(INITIAL, AES_KSN), aesRow),
      each('full derivation', aesRow, fullAes),
      4,
      long,
    ),
    await duel(
      'retail MAC over 250 bytes',
      each('tables', messages, (data) => retailMac(INITIAL, data)),
      each('three calls of node:crypto', messages, (data) => plainRetailMac(INITIAL, data)),
      2,
    ),
    await duel(
      'AES CMAC over 250 bytes',
      each('tables', messages, (data) => aesCmac(INITIAL, data)),
      each('two calls of node:crypto', messages, (data) => plainCmac(plainAes, 16, INITIAL, data)),
      2,
    ),
    await duel(
      'TDES CMAC over 250 bytes',
      each('tables', messages, (data) => tdesCmac(INITIAL, data)),
      each('two calls of node:crypto', messages, (data) => plainCmac(plainDes, 8, INITIAL, data)),
    ),
  ];
}

group(measure);
