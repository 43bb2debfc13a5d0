import { concat, fromHex, toHex } from '../platform/bytes.ts';
import { PossumError } from '../platform/errors.ts';
import type { HostProfile } from './profile.ts';

/** What stands between the length and the message: addresses, and a header where the profile has one. */
export interface Routing {
  /** Four digits: where it goes. Empty when the profile has no TPDU. */
  readonly destination: string;
  /** Four digits: where it comes from. */
  readonly source: string;
  /** Digits of the header, empty when the profile has none. */
  readonly header: string;
}

export type Opened =
  | { readonly ok: true; readonly routing: Routing; readonly message: Uint8Array }
  | {
      readonly ok: false;
      readonly error: { readonly code: 'short' | 'tpdu' | 'header'; readonly message: string };
    };

type EnvelopeProfile = Pick<HostProfile, 'tpdu' | 'header' | 'message'>;

const TPDU_ID = 0x60;
const TPDU_BYTES = 5;

/** The routing of a request as the profile states it. */
export function requestRouting(profile: EnvelopeProfile): Routing {
  return {
    destination: profile.tpdu?.destination ?? '',
    source: profile.tpdu?.source ?? '',
    header: profile.header?.digits ?? '',
  };
}

/** The routing of the answer to a message: destination and source change places. */
export function swapped(routing: Routing): Routing {
  return { ...routing, destination: routing.source, source: routing.destination };
}

/** Bytes of the shortest body that can be a message: routing, MTI and bitmap. */
export function minimumBody(profile: EnvelopeProfile): number {
  const mti = profile.message.digits === 'bcd' ? 2 : 4;
  const bitmap = profile.message.bitmap.encoding === 'binary' ? 8 : 16;
  return routingBytes(profile) + mti + bitmap;
}

/**
 * Puts the routing before a packed message.
 * @throws PossumError `FORMAT` when the routing does not fit the profile
 */
export function wrapMessage(profile: EnvelopeProfile, routing: Routing, message: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  if (profile.tpdu !== undefined) {
    if (!/^\d{4}$/.test(routing.destination) || !/^\d{4}$/.test(routing.source)) {
      throw new PossumError('FORMAT', 'a TPDU address has four digits', { where: 'tpdu' });
    }
    parts.push(fromHex(`60${routing.destination}${routing.source}`));
  }
  if (profile.header !== undefined) {
    if (routing.header.length !== profile.header.digits.length) {
      throw new PossumError('FORMAT', 'the header has another length', { where: 'header' });
    }
    parts.push(fromHex(routing.header));
  }
  return concat(...parts, message);
}

/** Takes the routing off a body. The message is a view into `body`. */
export function openBody(profile: EnvelopeProfile, body: Uint8Array): Opened {
  const length = routingBytes(profile);
  if (body.length < length) {
    return { ok: false, error: { code: 'short', message: 'the data ends inside the routing' } };
  }
  let destination = '';
  let source = '';
  if (profile.tpdu !== undefined) {
    const addresses = toHex(body.subarray(1, TPDU_BYTES));
    if (body[0] !== TPDU_ID || !/^\d{8}$/.test(addresses)) {
      return { ok: false, error: { code: 'tpdu', message: 'the TPDU is not 60 and two addresses' } };
    }
    destination = addresses.slice(0, 4);
    source = addresses.slice(4);
  }
  const header = toHex(body.subarray(profile.tpdu === undefined ? 0 : TPDU_BYTES, length));
  if (!/^\d*$/.test(header)) {
    return { ok: false, error: { code: 'header', message: 'the header is not digits' } };
  }
  return { ok: true, routing: { destination, source, header }, message: body.subarray(length) };
}

function routingBytes(profile: EnvelopeProfile): number {
  return (profile.tpdu === undefined ? 0 : TPDU_BYTES) + (profile.header?.digits.length ?? 0) / 2;
}
