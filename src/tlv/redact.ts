import { fromHex, isHex, toHex } from '../platform/bytes.ts';
import { luhnValid, maskPan } from '../platform/secret.ts';
import type { Redactor, TraceBody } from '../platform/trace.ts';
import { parseTlv, type Tlv } from './ber.ts';
import { cardMemory, decimalRun, PAN_TAGS, type Sighting, TRACK2_TAGS } from './card-memory.ts';

/** What leaves the firmware in a trace holds no PIN, no track and no full PAN. */

/** Track 1, discretionary data of both tracks, transaction PIN data: hidden whole. */
const HIDDEN_TAGS: ReadonlySet<number> = new Set([0x56, 0x9f1f, 0x9f20, 0x99]);
const MASK = 0xff;
const INS_VERIFY = 0x20;
const INS_PIN_CHANGE = 0x24;
const HIDDEN_FIELDS: ReadonlySet<number> = new Set([35, 36, 45, 52]);

/**
 * Masks PANs, tracks and PINs in trace events. It remembers the numbers that cards have shown: a terminal sends them
 * back without a tag when a DOL asks for them.
 */
export function createRedactor(): Redactor {
  const memory = cardMemory();
  return (event) => {
    if (event.kind === 'apdu') {
      memory.learn(event.response);
      return {
        ...event,
        command: maskSightings(redactCommand(event.command), memory.find(event.command)),
        response: maskSightings(redactResponse(event.response), memory.find(event.response)),
      };
    }
    if (event.kind === 'device')
      return { ...event, bytes: maskSightings(redactLoose(event.bytes), memory.find(event.bytes)) };
    return redactFixed(event);
  };
}

function redactFixed(event: TraceBody): TraceBody {
  switch (event.kind) {
    case 'message':
      return { ...event, fields: redactFields(event.fields) };
    case 'screen':
    case 'print':
      return { ...event, lines: event.lines.map(redactText) };
    case 'decision':
      return { ...event, reason: redactText(event.reason) };
    case 'alarm':
      return { ...event, what: redactText(event.what) };
    case 'state':
      return event.detail === undefined ? event : { ...event, detail: redactText(event.detail) };
    default:
      return event;
  }
}

/** Six digits in front stay, four behind when the number is there to its end; nothing of a track behind it. */
function maskSightings(masked: Uint8Array, sightings: readonly Sighting[]): Uint8Array {
  if (sightings.length === 0) return masked;
  const bytes = masked.slice();
  for (const { start, end, panDigits } of sightings) {
    const whole = 2 * (end - start) >= panDigits;
    const visibleFrom = whole ? panDigits - 4 : panDigits;
    for (let i = 6; i < 2 * (end - start); i++) {
      const shown = i >= visibleFrom && i <= panDigits;
      if (!shown) setNibble(bytes, 2 * start + i, 0xf);
    }
  }
  return bytes;
}

/** A command APDU whose data is shown only when it cannot hold a PIN. */
export function redactCommand(command: Uint8Array): Uint8Array {
  return redactLoose(maskVerifyData(command));
}

/** The command with the data of VERIFY and PIN CHANGE hidden; the same array when it is neither. */
export function maskVerifyData(command: Uint8Array): Uint8Array {
  const ins = command[1];
  if ((ins !== INS_VERIFY && ins !== INS_PIN_CHANGE) || command.length <= 5) return command;
  const masked = new Uint8Array(command.length).fill(MASK);
  masked.set(command.subarray(0, 5));
  return masked;
}

/** A response APDU with PAN-bearing objects masked; what is not TLV is searched for them. */
export function redactResponse(response: Uint8Array): Uint8Array {
  if (response.length <= 2) return response;
  const body = response.slice();
  const data = body.subarray(0, -2);
  if (!redactInPlace(data)) redactLooseInPlace(data);
  return body;
}

/** TLV data with PAN-bearing objects masked. */
export function redactTlv(data: Uint8Array): Uint8Array {
  const copy = data.slice();
  if (!redactInPlace(copy)) redactLooseInPlace(copy);
  return copy;
}

/** The value of one object as it may be shown. */
export function redactValue(tag: number, value: Uint8Array): Uint8Array {
  const copy = value.slice();
  maskValue(tag, copy);
  return copy;
}

function redactInPlace(data: Uint8Array): boolean {
  const parsed = parseTlv(data);
  if (!parsed.ok) return false;
  for (const item of parsed.items) maskItem(item);
  return true;
}

function maskItem(item: Tlv): void {
  maskValue(item.tag, item.value);
  for (const child of item.children ?? []) maskItem(child);
}

function maskValue(tag: number, value: Uint8Array): void {
  if (HIDDEN_TAGS.has(tag)) value.fill(MASK);
  else if (PAN_TAGS.has(tag)) maskDigits(value, decimalRun(value));
  else if (TRACK2_TAGS.has(tag)) {
    const digits = decimalRun(value);
    // Kernel 3 uses 9F6B for a limit of the card: too short for a track.
    if (value.length < 8) return;
    for (let i = digits + 1; i < 2 * value.length; i++) setNibble(value, i, 0xf);
    maskDigits(value, digits);
  }
}

function maskDigits(value: Uint8Array, digits: number): void {
  const [head, tail] = digits >= 13 ? [6, 4] : [2, 2];
  for (let i = head; i < digits - tail; i++) setNibble(value, i, 0xf);
}

function setNibble(value: Uint8Array, index: number, nibble: number): void {
  const at = index >> 1;
  const byte = value[at] as number;
  value[at] = index % 2 === 0 ? (nibble << 4) | (byte & 0x0f) : (byte & 0xf0) | nibble;
}

/** Masks what looks like a PAN-bearing object or a VERIFY command inside bytes of unknown structure. */
export function redactLoose(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  redactLooseInPlace(copy);
  return copy;
}

function redactLooseInPlace(bytes: Uint8Array): void {
  for (let at = 0; at + 2 < bytes.length; at++) {
    const two = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
    const long = HIDDEN_TAGS.has(two) || TRACK2_TAGS.has(two);
    const tag = long ? two : (bytes[at] as number);
    if (long || HIDDEN_TAGS.has(tag) || PAN_TAGS.has(tag) || TRACK2_TAGS.has(tag)) {
      const start = at + (long ? 3 : 2);
      const length = bytes[start - 1] as number;
      maskCandidate(tag, bytes.subarray(start, Math.min(start + length, bytes.length)));
    }
    if (bytes[at] === 0 && bytes[at + 1] === INS_VERIFY && bytes[at + 2] === 0) {
      const length = bytes[at + 4] ?? 0;
      if (length === 8) bytes.fill(MASK, at + 5, Math.min(at + 5 + length, bytes.length));
    }
  }
}

/** Without TLV around it a match may be chance: it counts when enough decimal digits follow. */
function maskCandidate(tag: number, value: Uint8Array): void {
  if (HIDDEN_TAGS.has(tag) ? value.length >= 10 && value[0] === 0x42 : decimalRun(value) >= 8) {
    maskValue(tag, value);
  }
}

function redactFields(fields: Readonly<Record<number, string>>): Record<number, string> {
  const out: Record<number, string> = {};
  for (const [key, value] of Object.entries(fields)) {
    const field = Number(key);
    if (HIDDEN_FIELDS.has(field)) out[field] = '•'.repeat(4);
    else if (field === 2) out[field] = maskPan(value);
    else if (field === 55) out[field] = isHex(value) ? toHex(redactTlv(fromHex(value))) : '•'.repeat(4);
    else out[field] = redactText(value);
  }
  return out;
}

/** Text in which every run of digits that could be a PAN is masked. */
export function redactText(text: string): string {
  return text.replace(/(?<!\d)\d{13,19}(?!\d)/g, (digits) => (luhnValid(digits) ? maskPan(digits) : digits));
}
