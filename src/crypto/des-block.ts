import { P, PC1, PC2, S_BOXES, SINGLE_ROTATIONS } from './des.table.ts';

/**
 * The DES block cipher (FIPS 46-3) over 32-bit halves. A call of the platform's cipher costs some ten
 * microseconds whatever its size; terminals encrypt one to thirty blocks at a time, where tables win clearly.
 * Look-ups take a time that depends on the key: good for an emulator, not for a product.
 */

/** Sixteen round keys of two words each: the S-box inputs 1, 3, 5, 7 and 2, 4, 6, 8. */
export type DesSchedule = Int32Array;

export const DES_SCHEDULE_WORDS = 32;

interface Tables {
  /** S-boxes joined with P, rotated left by one: 8 boxes of 64 entries. */
  readonly sp: Int32Array;
  /** PC1 by key byte without its parity bit: 8 bytes of 128 entries for C, then the same for D. */
  readonly pc1: Int32Array;
  /**
   * PC2 by 7-bit slice: 4 slices of 128 entries for C, then for D. The upper half of an entry belongs to the first
   * word of a round key, the lower one to the second.
   */
  readonly pc2: Int32Array;
}

let built: Tables | undefined;

function tables(): Tables {
  built ??= { sp: substitution(), pc1: firstChoice(), pc2: secondChoice() };
  return built;
}

function substitution(): Int32Array {
  const sp = new Int32Array(512);
  // Where an S-box output bit, counted from 1 at the left, ends up after P and the rotation.
  const target = new Int32Array(33);
  for (let i = 0; i < 32; i++) target[P[i] as number] = 1 << ((32 - i) % 32);
  const words = new Int32Array(16);
  for (let box = 0; box < 8; box++) {
    fillLinear(words, 0, 16, (bit) => target[4 * box + 4 - bit] as number);
    const digits = S_BOXES[box] as string;
    for (let input = 0; input < 64; input++) {
      const code = digits.charCodeAt(((input >> 4) & 2) * 16 + (input & 1) * 16 + ((input >> 1) & 15));
      sp[64 * box + input] = words[code < 58 ? code - 48 : code - 55] as number;
    }
  }
  return sp;
}

/** Fills `size` entries at `at`, each the union of what its bits contribute. */
function fillLinear(table: Int32Array, at: number, size: number, ofBit: (bit: number) => number): void {
  for (let bit = 0; 1 << bit < size; bit++) {
    const alone = 1 << bit;
    table[at + alone] = ofBit(bit);
    for (let below = 1; below < alone; below++) {
      table[at + alone + below] = (table[at + alone] as number) | (table[at + below] as number);
    }
  }
}

function firstChoice(): Int32Array {
  const table = new Int32Array(2 * 8 * 128);
  for (let half = 0; half < 2; half++) {
    for (let byte = 0; byte < 8; byte++) {
      fillLinear(table, (8 * half + byte) * 128, 128, (bit) => {
        const position = PC1.indexOf(8 * byte + (7 - bit), 28 * half);
        return position < 0 || position >= 28 * (half + 1) ? 0 : 1 << (27 - (position - 28 * half));
      });
    }
  }
  return table;
}

function secondChoice(): Int32Array {
  const table = new Int32Array(2 * 4 * 128);
  for (let half = 0; half < 2; half++) {
    for (let slice = 0; slice < 4; slice++) {
      fillLinear(table, (4 * half + slice) * 128, 128, (bit) => {
        const position = PC2.indexOf(28 * half + 7 * slice + (7 - bit));
        if (position < 0) return 0;
        // C feeds boxes 1 to 4, D feeds 5 to 8; odd boxes stand in the first word.
        const box = Math.floor(position / 6) - 4 * half;
        return 1 << ((box % 2 === 0 ? 16 : 0) + (box < 2 ? 8 : 0) + 5 - (position % 6));
      });
    }
  }
  return table;
}

/**
 * Computes the round keys of a key.
 * @param schedule receives {@link DES_SCHEDULE_WORDS} words
 * @param left the key's first four bytes as a big-endian word; parity bits are ignored
 * @param right its last four
 */
export function desSchedule(schedule: DesSchedule, left: number, right: number): void {
  const { pc1, pc2 } = tables();
  let c =
    (pc1[left >>> 25] as number) |
    (pc1[128 + ((left >>> 17) & 127)] as number) |
    (pc1[256 + ((left >>> 9) & 127)] as number) |
    (pc1[384 + ((left >>> 1) & 127)] as number) |
    (pc1[512 + (right >>> 25)] as number) |
    (pc1[640 + ((right >>> 17) & 127)] as number) |
    (pc1[768 + ((right >>> 9) & 127)] as number) |
    (pc1[896 + ((right >>> 1) & 127)] as number);
  let d =
    (pc1[1024 + (left >>> 25)] as number) |
    (pc1[1152 + ((left >>> 17) & 127)] as number) |
    (pc1[1280 + ((left >>> 9) & 127)] as number) |
    (pc1[1408 + ((left >>> 1) & 127)] as number) |
    (pc1[1536 + (right >>> 25)] as number) |
    (pc1[1664 + ((right >>> 17) & 127)] as number) |
    (pc1[1792 + ((right >>> 9) & 127)] as number) |
    (pc1[1920 + ((right >>> 1) & 127)] as number);
  for (let round = 0; round < 16; round++) {
    const by = (SINGLE_ROTATIONS >> round) & 1 ? 1 : 2;
    c = ((c << by) | (c >>> (28 - by))) & 0xfffffff;
    d = ((d << by) | (d >>> (28 - by))) & 0xfffffff;
    const upper =
      (pc2[c >>> 21] as number) |
      (pc2[128 + ((c >>> 14) & 127)] as number) |
      (pc2[256 + ((c >>> 7) & 127)] as number) |
      (pc2[384 + (c & 127)] as number);
    const lower =
      (pc2[512 + (d >>> 21)] as number) |
      (pc2[640 + ((d >>> 14) & 127)] as number) |
      (pc2[768 + ((d >>> 7) & 127)] as number) |
      (pc2[896 + (d & 127)] as number);
    schedule[2 * round] = (upper & 0xffff0000) | (lower >>> 16);
    schedule[2 * round + 1] = (upper << 16) | (lower & 0xffff);
  }
}

/** The initial permutation; halves come out rotated left by one, as {@link desRounds} wants them. */
export function initialPermutation(block: Int32Array): void {
  let left = block[0] as number;
  let right = block[1] as number;
  let swap = ((left >>> 4) ^ right) & 0x0f0f0f0f;
  right ^= swap;
  left ^= swap << 4;
  swap = ((left >>> 16) ^ right) & 0x0000ffff;
  right ^= swap;
  left ^= swap << 16;
  swap = ((right >>> 2) ^ left) & 0x33333333;
  left ^= swap;
  right ^= swap << 2;
  swap = ((right >>> 8) ^ left) & 0x00ff00ff;
  left ^= swap;
  right ^= swap << 8;
  right = (right << 1) | (right >>> 31);
  swap = (left ^ right) & 0xaaaaaaaa;
  left ^= swap;
  right ^= swap;
  block[0] = (left << 1) | (left >>> 31);
  block[1] = right;
}

/** The inverse of {@link initialPermutation}. */
export function finalPermutation(block: Int32Array): void {
  let left = block[0] as number;
  let right = block[1] as number;
  left = (left << 31) | (left >>> 1);
  let swap = (left ^ right) & 0xaaaaaaaa;
  left ^= swap;
  right ^= swap;
  right = (right << 31) | (right >>> 1);
  swap = ((right >>> 8) ^ left) & 0x00ff00ff;
  left ^= swap;
  right ^= swap << 8;
  swap = ((right >>> 2) ^ left) & 0x33333333;
  left ^= swap;
  right ^= swap << 2;
  swap = ((left >>> 16) ^ right) & 0x0000ffff;
  right ^= swap;
  left ^= swap << 16;
  swap = ((left >>> 4) ^ right) & 0x0f0f0f0f;
  right ^= swap;
  left ^= swap << 4;
  block[0] = left;
  block[1] = right;
}

/** Sixteen rounds and the exchange of the halves, in place, between the two permutations. */
export function desRounds(block: Int32Array, schedule: DesSchedule, decrypt: boolean): void {
  const { sp } = tables();
  let left = block[0] as number;
  let right = block[1] as number;
  const step = decrypt ? -4 : 4;
  // Two rounds at a time, so that the halves need not change places in between.
  for (let at = decrypt ? 30 : 0, pair = 0; pair < 8; pair++, at += step) {
    const second = decrypt ? at - 2 : at + 2;
    let odd = ((right << 28) | (right >>> 4)) ^ (schedule[at] as number);
    let even = right ^ (schedule[at + 1] as number);
    left ^=
      (sp[(odd >>> 24) & 63] as number) |
      (sp[64 + ((even >>> 24) & 63)] as number) |
      (sp[128 + ((odd >>> 16) & 63)] as number) |
      (sp[192 + ((even >>> 16) & 63)] as number) |
      (sp[256 + ((odd >>> 8) & 63)] as number) |
      (sp[320 + ((even >>> 8) & 63)] as number) |
      (sp[384 + (odd & 63)] as number) |
      (sp[448 + (even & 63)] as number);
    odd = ((left << 28) | (left >>> 4)) ^ (schedule[second] as number);
    even = left ^ (schedule[second + 1] as number);
    right ^=
      (sp[(odd >>> 24) & 63] as number) |
      (sp[64 + ((even >>> 24) & 63)] as number) |
      (sp[128 + ((odd >>> 16) & 63)] as number) |
      (sp[192 + ((even >>> 16) & 63)] as number) |
      (sp[256 + ((odd >>> 8) & 63)] as number) |
      (sp[320 + ((even >>> 8) & 63)] as number) |
      (sp[384 + (odd & 63)] as number) |
      (sp[448 + (even & 63)] as number);
  }
  block[0] = right;
  block[1] = left;
}
