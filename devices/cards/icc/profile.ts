import { rsaSigner, type Signer } from '../../../src/crypto/certificates.ts';
import { iccMasterKey } from '../../../src/crypto/emv-keys.ts';
import { rsaKeyFromPrimes, rsaPrivate, rsaPublic } from '../../../src/crypto/rsa.ts';
import { equalBytes, latin1, numericToBytes, toHex } from '../../../src/platform/bytes.ts';
import { isPossumError, PossumError } from '../../../src/platform/errors.ts';
import { encodeTlv } from '../../../src/tlv/ber.ts';
import { type DolEntry, parseDol } from '../../../src/tlv/dol.ts';
import type { TagMap } from '../fields.ts';
import type { ApplicationFile, IccFile } from '../schema.ts';
import { type CryptogramScheme, SCHEMES } from './scheme.ts';

/** A data object list that the card reads answers by. */
export interface CardDol {
  readonly entries: readonly DolEntry[];
  /** Bytes of the whole answer. */
  readonly length: number;
}

/** One application, ready to run: what a personalisation file says, encoded once. */
export interface Application {
  readonly file: ApplicationFile;
  readonly aidHex: string;
  readonly scheme: CryptogramScheme;
  /** The whole FCI template, 6F. */
  readonly fci: Uint8Array;
  /** Record template by `sfi * 256 + record`. */
  readonly records: ReadonlyMap<number, Uint8Array>;
  readonly afl: Uint8Array;
  readonly pdol: CardDol;
  readonly cdol1: CardDol | undefined;
  readonly cdol2: CardDol | undefined;
  readonly ddol: CardDol | undefined;
  /** Objects of all records and the file's own, for GET PROCESSING OPTIONS answers and GET DATA. */
  readonly objects: TagMap;
}

/** PSE or PPSE: its name, its FCI, and the directory records behind the contact one. */
export interface Environment {
  readonly name: Uint8Array;
  readonly fci: Uint8Array;
  readonly directory: readonly Uint8Array[];
}

/** The card's own keys. */
export interface CardKeys {
  readonly ac: Uint8Array;
  readonly smi: Uint8Array;
  readonly smc: Uint8Array;
  readonly signer: Signer | undefined;
  /** What PINs are enciphered under. */
  readonly pin: Signer | undefined;
}

const NO_DOL: CardDol = { entries: [], length: 0 };
/** Default data of INTERNAL AUTHENTICATE: the unpredictable number. */
const DEFAULT_DDOL = Uint8Array.of(0x9f, 0x37, 0x04);

const PSE_NAME = latin1('1PAY.SYS.DDF01');
const PPSE_NAME = latin1('2PAY.SYS.DDF01');

/** Derives what the card was personalised with from the issuer keys of its file. */
export function cardKeys(file: IccFile): CardKeys {
  const { imkAc, imkSmi = imkAc, imkSmc = imkAc, masterKeyOption } = file.issuer;
  if (imkAc === undefined || imkSmi === undefined || imkSmc === undefined) {
    throw new PossumError('CONFIG', 'issuer: the key set was not filled in; load the file with loadCard');
  }
  const derive = (imk: Uint8Array) => iccMasterKey(imk, file.pan, file.psn, masterKeyOption);
  const signer = file.rsa && provenSigner(file.rsa, 'rsa');
  return {
    ac: derive(imkAc),
    smi: derive(imkSmi),
    smc: derive(imkSmc),
    signer,
    pin: file.pinRsa === undefined ? signer : provenSigner(file.pinRsa, 'pinRsa'),
  };
}

/** Signs once to prove the key: a card that answers cannot complain any more. */
function provenSigner(
  { primeP, primeQ, exponent }: NonNullable<IccFile['rsa']>,
  field: 'rsa' | 'pinRsa',
): Signer {
  const unsound = (why: string, cause?: unknown) =>
    new PossumError('CONFIG', `${field}: ${why}`, {
      remedy: 'Take both primes and the exponent of one key.',
      cause,
    });
  try {
    const key = rsaKeyFromPrimes(primeP, primeQ, exponent);
    const { length } = key.modulus;
    if (length < 64 || length > 248 || (key.modulus[0] as number) < 0x80) {
      throw unsound('the modulus has to have 512 to 1984 bits, a multiple of eight');
    }
    const probe = new Uint8Array(length).fill(0x6a);
    if (!equalBytes(rsaPublic(key.modulus, exponent, rsaPrivate(key, probe)), probe)) {
      throw unsound('the primes are none');
    }
    return rsaSigner(key);
  } catch (cause) {
    throw isPossumError(cause, 'CONFIG') ? cause : unsound('the parts do not form a key', cause);
  }
}

/** Encodes one application. @throws PossumError `CONFIG` on a malformed DOL or a list that is missing */
export function compileApplication(file: ApplicationFile): Application {
  const records = new Map<number, Uint8Array>();
  const objects = new Map<number, Uint8Array>();
  for (const { sfi, record, data } of file.records) {
    records.set(sfi * 256 + record, encodeRecord(data));
    for (const [tag, value] of data) objects.set(tag, value);
  }
  for (const [tag, value] of file.data ?? []) objects.set(tag, value);
  const aidHex = toHex(file.aid);
  const dol = (tag: number, name: string) => compileDol(objects.get(tag), `${aidHex} ${name}`);
  return {
    file,
    aidHex,
    scheme: SCHEMES[file.cryptogram],
    fci: applicationFci(file),
    records,
    afl: locator(file),
    pdol: compileDol(file.pdol, `${aidHex} pdol`) ?? NO_DOL,
    cdol1: dol(0x8c, 'CDOL1'),
    cdol2: dol(0x8d, 'CDOL2'),
    ddol: compileDol(objects.get(0x9f49) ?? DEFAULT_DDOL, `${aidHex} DDOL`),
    objects,
  };
}

/** A record as READ RECORD gives it: template 70. */
export function encodeRecord(data: TagMap): Uint8Array {
  return encodeTlv(0x70, encodeObjects(data));
}

function encodeObjects(data: TagMap | undefined): Uint8Array[] {
  return [...(data ?? [])].map(([tag, value]) => encodeTlv(tag, value));
}

function compileDol(bytes: Uint8Array | undefined, name: string): CardDol | undefined {
  if (bytes === undefined) return undefined;
  const parsed = parseDol(bytes);
  if (!parsed.ok) throw new PossumError('CONFIG', `${name}: ${parsed.message}`);
  return { entries: parsed.value, length: parsed.value.reduce((sum, { length }) => sum + length, 0) };
}

/** The values in an answer to a DOL, by tag. The answer has the DOL's length. */
export function splitDolData(dol: CardDol, data: Uint8Array, into: Map<number, Uint8Array>): void {
  const own = data.slice();
  let at = 0;
  for (const { tag, length } of dol.entries) {
    into.set(tag, own.subarray(at, at + length));
    at += length;
  }
}

function priorityOf(file: ApplicationFile): Uint8Array {
  return Uint8Array.of((file.confirm ? 0x80 : 0) | file.priority);
}

function applicationFci(file: ApplicationFile): Uint8Array {
  const proprietary = [encodeTlv(0x50, latin1(file.label)), encodeTlv(0x87, priorityOf(file))];
  if (file.pdol !== undefined) proprietary.push(encodeTlv(0x9f38, file.pdol));
  proprietary.push(...encodeObjects(file.proprietary));
  if (file.discretionary !== undefined) {
    proprietary.push(encodeTlv(0xbf0c, encodeObjects(file.discretionary)));
  }
  return encodeTlv(0x6f, [encodeTlv(0x84, file.aid), encodeTlv(0xa5, proprietary)]);
}

/** Directory entry, template 61. */
function directoryEntry(file: ApplicationFile, withKernel: boolean): Uint8Array {
  const parts = [
    encodeTlv(0x4f, file.aid),
    encodeTlv(0x50, latin1(file.label)),
    encodeTlv(0x87, priorityOf(file)),
  ];
  if (withKernel && file.kernel !== undefined) parts.push(encodeTlv(0x9f2a, file.kernel));
  return encodeTlv(0x61, parts);
}

/** The contact environment: a directory in SFI 1, two applications to a record. */
export function contactEnvironment(applications: readonly Application[]): Environment {
  const directory: Uint8Array[] = [];
  for (let i = 0; i < applications.length; i += 2) {
    const entries = applications.slice(i, i + 2).map(({ file }) => directoryEntry(file, false));
    directory.push(encodeTlv(0x70, entries));
  }
  const proprietary = encodeTlv(0xa5, encodeTlv(0x88, Uint8Array.of(1)));
  const fci = encodeTlv(0x6f, [encodeTlv(0x84, PSE_NAME), proprietary]);
  return { name: PSE_NAME, fci, directory };
}

/** The contactless environment, with the whole directory in its FCI. */
export function contactlessEnvironment(applications: readonly Application[]): Environment {
  const entries = applications.map(({ file }) => directoryEntry(file, true));
  const proprietary = encodeTlv(0xa5, encodeTlv(0xbf0c, entries));
  const fci = encodeTlv(0x6f, [encodeTlv(0x84, PPSE_NAME), proprietary]);
  return { name: PPSE_NAME, fci, directory: [] };
}

/** Application file locator: runs of records of one file in the order of the personalisation. */
function locator(file: ApplicationFile): Uint8Array {
  const entries: number[][] = [];
  for (const { sfi, record, signed } of file.records) {
    const last = entries.at(-1);
    if (last !== undefined && last[0] === sfi << 3 && last[2] === record - 1) {
      const signedSoFar = last[3] as number;
      if (signed && signedSoFar !== record - (last[1] as number)) {
        throw new PossumError('CONFIG', `record ${record} of file ${sfi}: signed records come first`);
      }
      last[2] = record;
      if (signed) last[3] = signedSoFar + 1;
    } else {
      entries.push([sfi << 3, record, record, signed ? 1 : 0]);
    }
  }
  return Uint8Array.from(entries.flat());
}

/** The amount that a terminal sent, in minor units; 0 when it is no number. */
export function amountOf(terminal: TagMap): number {
  const value = terminal.get(0x9f02);
  if (value === undefined) return 0;
  const text = toHex(value);
  return /^\d+$/.test(text) ? Number(text) : 0;
}

/** The transaction counter as tag 9F36 carries it. */
export function atcBytes(atc: number): Uint8Array {
  return Uint8Array.of(atc >> 8, atc & 0xff);
}

/** A currency code as tag 5F2A carries it. */
export function currencyBytes(code: string): Uint8Array {
  return numericToBytes(code, 2);
}
