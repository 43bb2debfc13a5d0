import { TSI as TSI_TABLE, TVR as TVR_TABLE } from '../tlv/bits.table.ts';
import type { DataStore } from './data-store.ts';
import { TAG } from './tags.ts';

/** Bits of the Terminal Verification Results: byte index and mask (Book 3, annex C5). */
export const TVR = {
  odaNotPerformed: [0, 0x80],
  sdaFailed: [0, 0x40],
  iccDataMissing: [0, 0x20],
  exceptionFile: [0, 0x10],
  ddaFailed: [0, 0x08],
  cdaFailed: [0, 0x04],
  sdaSelected: [0, 0x02],
  versionsDiffer: [1, 0x80],
  expired: [1, 0x40],
  notYetEffective: [1, 0x20],
  serviceNotAllowed: [1, 0x10],
  newCard: [1, 0x08],
  cvmFailed: [2, 0x80],
  unrecognisedCvm: [2, 0x40],
  pinTryLimit: [2, 0x20],
  pinPadMissing: [2, 0x10],
  pinNotEntered: [2, 0x08],
  onlinePinEntered: [2, 0x04],
  floorLimit: [3, 0x80],
  lowerOfflineLimit: [3, 0x40],
  upperOfflineLimit: [3, 0x20],
  randomlySelected: [3, 0x10],
  merchantForcedOnline: [3, 0x08],
  defaultTdol: [4, 0x80],
  issuerAuthenticationFailed: [4, 0x40],
  scriptFailedBefore: [4, 0x20],
  scriptFailedAfter: [4, 0x10],
} as const satisfies Record<string, readonly [number, number]>;
export type TvrBit = (typeof TVR)[keyof typeof TVR];

/** Bits of the Transaction Status Information, all in byte 1 (Book 3, annex C6). */
export const TSI = {
  oda: 0x80,
  cvm: 0x40,
  cardRisk: 0x20,
  issuerAuthentication: 0x10,
  terminalRisk: 0x08,
  scripts: 0x04,
} as const;
export type TsiBit = (typeof TSI)[keyof typeof TSI];

/** Sets both to zero: the start of a transaction with a selected application. */
export function resetStatus(data: DataStore): void {
  data.set(TAG.tvr, new Uint8Array(5));
  data.set(TAG.tsi, new Uint8Array(2));
}

/** Sets a TVR bit and gives its meaning in words. */
export function setTvr(data: DataStore, [index, mask]: TvrBit): string {
  const tvr = data.get(TAG.tvr)?.slice() ?? new Uint8Array(5);
  tvr[index] = (tvr[index] as number) | mask;
  data.set(TAG.tvr, tvr);
  return TVR_TABLE[index]?.find(([named]) => named === mask)?.[1] ?? '';
}

export function hasTvr(data: DataStore, [index, mask]: TvrBit): boolean {
  return (data.byte(TAG.tvr, index) & mask) !== 0;
}

/** Sets a TSI bit and gives its meaning in words. */
export function setTsi(data: DataStore, mask: TsiBit): string {
  const tsi = data.get(TAG.tsi)?.slice() ?? new Uint8Array(2);
  tsi[0] = (tsi[0] as number) | mask;
  data.set(TAG.tsi, tsi);
  return TSI_TABLE[0]?.find(([named]) => named === mask)?.[1] ?? '';
}
