import type { AidConfig, EmvConfig } from '../emv/parameters.ts';
import { TAG } from '../emv/tags.ts';
import type { PinPadKind } from '../ports/index.ts';

/** PIN bits of 9F33 byte 2: plaintext and enciphered offline PIN, enciphered online PIN. */
const OFFLINE_PIN = 0x80 | 0x10;
const ONLINE_PIN = 0x40;
/** Online PIN in byte 1 of the terminal transaction qualifiers. */
const TTQ_ONLINE_PIN = 0x04;

/** Bits that a pad cannot serve. */
const MISSING: Readonly<Record<PinPadKind | 'none', number>> = {
  none: OFFLINE_PIN | ONLINE_PIN,
  encrypting: OFFLINE_PIN,
  keypad: 0,
};

/**
 * The terminal as the kernels may know it: its PIN capabilities are those of its file and what the bound pad can do.
 * @param pad `undefined` when none is bound
 * @returns the same configuration when the pad can do everything
 */
export function withPinPad(config: EmvConfig, pad: PinPadKind | undefined): EmvConfig {
  const missing = MISSING[pad ?? 'none'];
  if (missing === 0) return config;
  return {
    ...config,
    data: withoutBits(config.data, missing),
    aids: config.aids.map((aid) => aidWithout(aid, missing)),
  };
}

function aidWithout(aid: AidConfig, missing: number): AidConfig {
  const { contactless } = aid;
  const data = withoutBits(aid.data, missing);
  if (contactless?.ttq === undefined || (missing & ONLINE_PIN) === 0) return { ...aid, data };
  const ttq = contactless.ttq.slice();
  ttq[0] = (ttq[0] as number) & ~TTQ_ONLINE_PIN;
  return { ...aid, data, contactless: { ...contactless, ttq } };
}

function withoutBits(
  data: ReadonlyMap<number, Uint8Array>,
  missing: number,
): ReadonlyMap<number, Uint8Array> {
  const capabilities = data.get(TAG.terminalCapabilities);
  if (capabilities === undefined) return data;
  const changed = capabilities.slice();
  changed[1] = (changed[1] as number) & ~missing;
  return new Map(data).set(TAG.terminalCapabilities, changed);
}
