import { describeAtr, judgeEmvAtr, parseAtr } from '../../app.ts';
import {
  parseTrack1,
  parseTrack2,
  parseTrack2Equivalent,
  parseTrack3,
  unwrapTrack,
} from '../../emv/magstripe/tracks.ts';
import { toHex } from '../../platform/bytes.ts';
import { PossumError } from '../../platform/errors.ts';
import { maskPan } from '../../platform/secret.ts';
import { commandName, statusMeaning } from '../../tlv/apdu-names.ts';
import { parseTlv, tagHex } from '../../tlv/ber.ts';
import { describeBits, describeCid } from '../../tlv/bits.ts';
import { parseCvmList } from '../../tlv/cvm-list.ts';
import { lookupTag } from '../../tlv/dictionary.ts';
import { parseDol } from '../../tlv/dol.ts';
import { describeCvmList, describeTlv, formatTlv } from '../../tlv/format.ts';
import { redactTlv } from '../../tlv/redact.ts';
import { hexInput } from '../input.ts';

/** What a decoder found: text for people, a value for programs. */
export interface Decoded {
  readonly text: string;
  readonly json: unknown;
}

export interface DecodeOptions {
  /** Show card numbers and tracks as they are. */
  readonly reveal: boolean;
}

export type Decoder = (input: string, options: DecodeOptions) => Decoded;

/** The decoders of `possum decode`, by topic. */
export const DECODERS: Readonly<Record<string, { readonly about: string; readonly decode: Decoder }>> = {
  tlv: { about: 'BER-TLV data objects', decode: decodeTlv },
  dol: { about: 'a data object list: PDOL, CDOL1, DDOL …', decode: decodeDol },
  apdu: { about: 'a command APDU, or a response with its status word', decode: decodeApdu },
  sw: { about: 'a status word', decode: (input) => decodeStatus(bytesOf(input, 2)) },
  atr: { about: 'an answer to reset', decode: decodeAtr },
  track: { about: 'a magnetic stripe track, or tag 57 in hex', decode: decodeTrack },
  tvr: { about: 'terminal verification results, tag 95', decode: bits(0x95, 5) },
  tsi: { about: 'transaction status information, tag 9B', decode: bits(0x9b, 2) },
  aip: { about: 'application interchange profile, tag 82', decode: bits(0x82, 2) },
  cid: { about: 'cryptogram information data, tag 9F27', decode: decodeCid },
  'cvm-list': { about: 'cardholder verification method list, tag 8E', decode: decodeCvmList },
};

function bytesOf(input: string, length: number): Uint8Array {
  const bytes = hexInput(input);
  if (bytes.length !== length)
    throw new PossumError(
      'FORMAT',
      `${length === 1 ? '1 byte is' : `${length} bytes are`} needed, these are ${bytes.length}`,
    );
  return bytes;
}

function decodeTlv(input: string, { reveal }: DecodeOptions): Decoded {
  const bytes = hexInput(input);
  const parsed = parseTlv(reveal ? bytes : redactTlv(bytes));
  if (!parsed.ok) {
    throw new PossumError('FORMAT', parsed.error.message, { where: `byte ${parsed.error.offset}` });
  }
  const items = describeTlv(parsed.items);
  return { text: formatTlv(items), json: items };
}

function decodeDol(input: string): Decoded {
  const parsed = parseDol(hexInput(input));
  if (!parsed.ok) throw new PossumError('FORMAT', parsed.message);
  const entries = parsed.value.map(({ tag, length }) => ({
    tag: tagHex(tag),
    length,
    name: lookupTag(tag)?.name ?? 'unknown',
  }));
  const total = entries.reduce((sum, { length }) => sum + length, 0);
  const lines = entries.map(
    ({ tag, length, name }) => `${tag.padEnd(6)} ${String(length).padStart(3)}  ${name}`,
  );
  return { text: [...lines, `${total} bytes in all`].join('\n'), json: { entries, total } };
}

function decodeApdu(input: string, options: DecodeOptions): Decoded {
  const bytes = hexInput(input);
  const [cla, ins, p1, p2] = bytes as unknown as [number, number, number, number];
  const name = bytes.length >= 4 ? commandName(cla, ins) : undefined;
  if (name === undefined) return decodeResponse(bytes, options);
  const header = { cla: byteHex(cla), ins: byteHex(ins), name, p1: byteHex(p1), p2: byteHex(p2) };
  const rest = commandBody(bytes);
  const data =
    ins === 0x20 && rest.data !== undefined && !options.reveal
      ? '*'.repeat(2 * rest.data.length)
      : rest.data && toHex(rest.data);
  const lines = [
    `${name}  CLA ${header.cla} INS ${header.ins} P1 ${header.p1} P2 ${header.p2}`,
    ...(data === undefined ? [] : [`Data [${rest.data?.length ?? 0}] ${data}`]),
    ...(rest.le === undefined ? [] : [`Le ${rest.le}`]),
  ];
  return {
    text: lines.join('\n'),
    json: {
      ...header,
      ...(data === undefined ? {} : { data }),
      ...(rest.le === undefined ? {} : { le: rest.le }),
    },
  };
}

/** Data and Le behind the header, of short and extended length (ISO/IEC 7816-4, 5.1); Le 0 means the most. */
function commandBody(bytes: Uint8Array): { data?: Uint8Array; le?: number } {
  const isExtended = bytes.length >= 7 && bytes[4] === 0;
  const width = isExtended ? 2 : 1;
  const most = isExtended ? 65_536 : 256;
  const numberAt = (at: number) =>
    isExtended ? ((bytes[at] as number) << 8) | (bytes[at + 1] as number) : (bytes[at] as number);
  const start = isExtended ? 5 : 4;
  const body = bytes.subarray(start + width);
  if (bytes.length === 4) return {};
  const length = numberAt(start);
  if (body.length === 0) return { le: length === 0 ? most : length };
  const after = body.length - length;
  if (length === 0 || (after !== 0 && after !== width)) {
    throw new PossumError('FORMAT', `Lc says ${length} bytes, ${body.length} follow`, { where: 'byte 4' });
  }
  const data = body.subarray(0, length);
  if (after === 0) return { data };
  const le = numberAt(bytes.length - width);
  return { data, le: le === 0 ? most : le };
}

function decodeResponse(bytes: Uint8Array, options: DecodeOptions): Decoded {
  if (bytes.length < 2) throw new PossumError('FORMAT', 'a response has at least a status word');
  const status = decodeStatus(bytes.subarray(-2));
  const data = bytes.subarray(0, -2);
  if (data.length === 0) return status;
  const parsed = parseTlv(options.reveal ? data : redactTlv(data));
  const items = parsed.ok ? describeTlv(parsed.items) : undefined;
  const body = items === undefined ? `Data [${data.length}] ${toHex(data)}` : formatTlv(items);
  return {
    text: `${body}\n${status.text}`,
    json: { ...(status.json as object), data: items ?? toHex(data) },
  };
}

function decodeStatus(bytes: Uint8Array): Decoded {
  const sw = ((bytes[0] as number) << 8) | (bytes[1] as number);
  return {
    text: `SW ${toHex(bytes)} ${statusMeaning(sw)}`,
    json: { sw: toHex(bytes), meaning: statusMeaning(sw) },
  };
}

function decodeAtr(input: string): Decoded {
  const parsed = parseAtr(hexInput(input));
  if (!parsed.ok) throw new PossumError('FORMAT', parsed.error.message);
  const { atr } = parsed;
  const json = {
    convention: atr.convention,
    interfaceBytes: atr.interfaceBytes.map((b) => ({ ...b, value: byteHex(b.value) })),
    protocols: atr.protocols,
    historical: toHex(atr.historical),
    ...(atr.tck === undefined ? {} : { tck: byteHex(atr.tck) }),
    emvFindings: judgeEmvAtr(atr),
  };
  return { text: describeAtr(atr).join('\n'), json };
}

function decodeTrack(input: string, { reveal }: DecodeOptions): Decoded {
  const { track, parsed } = readTrack(input.trim());
  if (!parsed.ok) throw new PossumError('FORMAT', parsed.error.message, { where: `track ${track}` });
  const clear = parsed.value as unknown as Record<string, string | undefined>;
  const shown: Record<string, string> = {};
  for (const [name, value] of Object.entries(clear)) {
    if (value === undefined) continue;
    const secret = name === 'discretionaryData' || name === 'data';
    shown[name] = reveal
      ? value
      : name === 'pan'
        ? maskPan(value)
        : secret
          ? '*'.repeat(value.length)
          : value;
  }
  const text = [
    `Track ${track}`,
    ...Object.entries(shown).map(([name, value]) => `${name.padEnd(18)}${value}`),
  ].join('\n');
  return { text, json: { track, ...shown } };
}

function readTrack(text: string) {
  if (/^[0-9A-Fa-f\s]+$/.test(text))
    return { track: '2 equivalent', parsed: parseTrack2Equivalent(hexInput(text)) };
  const track = text.startsWith('%') || /^B\d/.test(text) ? 1 : /^;?\d\d\d{8,19}=.{40}/.test(text) ? 3 : 2;
  const unwrapped = /^[%;]/.test(text) ? unwrapTrack(track, text) : ({ ok: true, value: text } as const);
  if (!unwrapped.ok) return { track: String(track), parsed: unwrapped };
  const parse = track === 1 ? parseTrack1 : track === 2 ? parseTrack2 : parseTrack3;
  return { track: String(track), parsed: parse(unwrapped.value) };
}

function bits(tag: number, length: number): Decoder {
  return (input) => {
    const set = describeBits(tag, bytesOf(input, length)) ?? [];
    const lines = set.map(({ byte, bit, meaning }) => `byte ${byte} bit ${bit}  ${meaning}`);
    return { text: lines.length === 0 ? 'no bit is set' : lines.join('\n'), json: set };
  };
}

function decodeCid(input: string): Decoded {
  const cid = describeCid(bytesOf(input, 1)[0] as number);
  return { text: `${cid.type}${cid.advice ? ', advice required' : ''}, ${cid.reason}`, json: cid };
}

function decodeCvmList(input: string): Decoded {
  const bytes = hexInput(input);
  const list = parseCvmList(bytes);
  if (list === undefined)
    throw new PossumError('FORMAT', 'a CVM list has two amounts of four bytes and rules of two');
  const lines = describeCvmList(bytes);
  const meanings = lines.slice(lines.length - list.rules.length);
  const rules = list.rules.map((rule, index) => ({
    ...rule,
    code: byteHex(rule.code),
    condition: byteHex(rule.condition),
    meaning: meanings[index],
  }));
  return { text: lines.join('\n'), json: { ...list, rules } };
}

function byteHex(value: number): string {
  return toHex(Uint8Array.of(value));
}
