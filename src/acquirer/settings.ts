import { type Codec, compileCodec, type HostProfile } from '../iso8583/index.ts';
import type { Journal } from '../journal/journal.ts';
import type { Clock } from '../platform/clock.ts';
import type { Trace } from '../platform/trace.ts';
import type { Dialler } from '../ports/index.ts';
import type { SecureModule } from '../secure/secure-module.ts';
import { tagFromHex } from '../tlv/ber.ts';

/** Who the terminal is to its acquirer, and how patient. */
export interface AcquirerIdentity {
  /** Field 41, eight characters. */
  readonly terminalId: string;
  /** Field 42, fifteen characters. */
  readonly merchantId: string;
  /** ISO 4217 numeric, three digits: field 49. */
  readonly currency: string;
}

export interface AcquirerTimeouts {
  readonly connectMs: number;
  readonly answerMs: number;
  /** Tries of a reversal or advice per occasion. */
  readonly repeats: number;
}

/** Everything that the acquirer's parts work with. */
export interface AcquirerContext {
  readonly profile: HostProfile;
  readonly codec: Codec;
  /** Tags of field 55, in the order in which they are sent. */
  readonly chipTags: readonly number[];
  /** Tags of field 55 that are sent as this many zero bytes when they are missing. */
  readonly zeroWhenMissing: ReadonlyMap<number, number>;
  readonly identity: AcquirerIdentity;
  readonly timeouts: AcquirerTimeouts;
  readonly dialler: Dialler;
  readonly journal: Journal;
  readonly secure: SecureModule;
  readonly clock: Clock;
  readonly trace: Trace;
}

/** Compiles the profile's message spec and puts the context together. */
export function acquirerContext(
  parts: Omit<AcquirerContext, 'codec' | 'chipTags' | 'zeroWhenMissing'>,
): AcquirerContext {
  const { message, chipTags = [], zeroWhenMissing = {} } = parts.profile;
  return {
    ...parts,
    codec: compileCodec(message),
    chipTags: chipTags.map(tagFromHex),
    zeroWhenMissing: new Map(
      Object.entries(zeroWhenMissing).map(([tag, length]) => [tagFromHex(tag), length]),
    ),
  };
}
