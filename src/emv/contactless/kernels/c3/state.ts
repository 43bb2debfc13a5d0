import { TAG } from '../../../tags.ts';
import type { ContactlessContext } from '../../context.ts';

/** What kernel 3 decides step by step (Book C-3): flags that later steps may only sharpen. */
export interface Kernel3State {
  /** The cryptogram that the card gave. */
  readonly type: 'AAC' | 'TC' | 'ARQC';
  declineRequired: boolean;
  onlineRequired: boolean;
  /** What offline data authentication came to. */
  oda: 'none' | 'good' | 'failed';
}

export const TTQ = {
  contactChip: 0x10,
  offlineOnly: 0x08,
  onlinePin: 0x04,
  signature: 0x02,
  odaForOnline: 0x01,
} as const;

export const CTQ = {
  onlinePin: 0x80,
  signature: 0x40,
  onlineIfOdaFails: 0x20,
  switchIfOdaFails: 0x10,
  onlineIfExpired: 0x08,
  switchForCash: 0x04,
  switchForCashback: 0x02,
} as const;

/** A bit of byte 1 of the reader's qualifiers. */
export function hasTtq(context: ContactlessContext, mask: number): boolean {
  return (context.data.byte(TAG.ttq, 0) & mask) !== 0;
}

/** A bit of byte 1 of the card's qualifiers; false when the card has none. */
export function hasCtq(context: ContactlessContext, mask: number): boolean {
  return (context.data.byte(TAG.ctq, 0) & mask) !== 0;
}

/** The reader wants an online cryptogram (TTQ byte 2, bit 8). */
export function onlineCryptogramRequired(context: ContactlessContext): boolean {
  return (context.data.byte(TAG.ttq, 1) & 0x80) !== 0;
}

/** A CVM is required (TTQ byte 2, bit 7). */
export function cvmRequired(context: ContactlessContext): boolean {
  return (context.data.byte(TAG.ttq, 1) & 0x40) !== 0;
}

/** Reader and card both know the second presentment for issuer data (TTQ byte 3, bit 8; CTQ byte 2, bit 7). */
export function issuerUpdateSupported(context: ContactlessContext): boolean {
  return (context.data.byte(TAG.ttq, 2) & 0x80) !== 0 && (context.data.byte(TAG.ctq, 1) & 0x40) !== 0;
}
