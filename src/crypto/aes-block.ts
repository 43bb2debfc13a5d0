/**
 * The AES block cipher (FIPS 197), enciphering only, over 32-bit words and tables. Making a cipher object of the
 * platform costs more than ten blocks; derivation uses each key for one or two.
 * Look-ups take a time that depends on the key: good for an emulator, not for a product.
 */

interface Tables {
  /** S-box and MixColumns in one, for the first row; the other rows are rotations by 8, 16 and 24 bits. */
  readonly t0: Int32Array;
  readonly t1: Int32Array;
  readonly t2: Int32Array;
  readonly t3: Int32Array;
  readonly sBox: Uint8Array;
}

let built: Tables | undefined;

function tables(): Tables {
  built ??= build();
  return built;
}

/** The S-box by walking through the powers of 3 and of its inverse (FIPS 197, section 5.1.1). */
function build(): Tables {
  const sBox = new Uint8Array(256);
  let power = 1;
  let inverse = 1;
  do {
    power = (power ^ (power << 1) ^ (power & 0x80 ? 0x11b : 0)) & 0xff;
    inverse ^= inverse << 1;
    inverse ^= inverse << 2;
    inverse ^= inverse << 4;
    inverse &= 0xff;
    if (inverse & 0x80) inverse ^= 0x09;
    const doubled = inverse | (inverse << 8);
    const spread = inverse ^ (doubled >> 7) ^ (doubled >> 6) ^ (doubled >> 5) ^ (doubled >> 4);
    sBox[power] = (spread ^ 0x63) & 0xff;
  } while (power !== 1);
  sBox[0] = 0x63;
  const [t0, t1, t2, t3] = [0, 1, 2, 3].map(() => new Int32Array(256)) as [
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
  ];
  for (let i = 0; i < 256; i++) {
    const s = sBox[i] as number;
    const twice = (s << 1) ^ (s & 0x80 ? 0x11b : 0);
    const column = (twice << 24) | (s << 16) | (s << 8) | (twice ^ s);
    t0[i] = column;
    t1[i] = (column >>> 8) | (column << 24);
    t2[i] = (column >>> 16) | (column << 16);
    t3[i] = (column >>> 24) | (column << 8);
  }
  return { t0, t1, t2, t3, sBox };
}

/** Words that the longest schedule takes: 14 rounds and the first key. */
export const AES_SCHEDULE_WORDS = 60;

/**
 * Expands a key (FIPS 197, section 5.2).
 * @param schedule receives `4 * (rounds + 1)` words
 * @param key holds the key's big-endian words from `from` on
 * @param words 4, 6 or 8
 * @returns the number of rounds: 10, 12 or 14
 */
export function aesSchedule(schedule: Int32Array, key: Int32Array, from: number, words: number): number {
  const { sBox } = tables();
  const rounds = words + 6;
  const total = 4 * (rounds + 1);
  let constant = 1;
  let word = 0;
  for (let i = 0; i < words; i++) {
    word = key[from + i] as number;
    schedule[i] = word;
  }
  let place = 0;
  for (let i = words; i < total; i++) {
    if (place === 0) {
      word =
        ((sBox[(word >>> 16) & 255] as number) << 24) ^
        ((sBox[(word >>> 8) & 255] as number) << 16) ^
        ((sBox[word & 255] as number) << 8) ^
        (sBox[word >>> 24] as number) ^
        (constant << 24);
      constant = (constant << 1) ^ (constant & 0x80 ? 0x11b : 0);
    } else if (words === 8 && place === 4) {
      word =
        ((sBox[word >>> 24] as number) << 24) ^
        ((sBox[(word >>> 16) & 255] as number) << 16) ^
        ((sBox[(word >>> 8) & 255] as number) << 8) ^
        (sBox[word & 255] as number);
    }
    word ^= schedule[i - words] as number;
    schedule[i] = word;
    place = place + 1 === words ? 0 : place + 1;
  }
  return rounds;
}

/** Enciphers the four big-endian words of one block in place. */
export function aesEncryptWords(schedule: Int32Array, rounds: number, block: Int32Array): void {
  const { t0, t1, t2, t3, sBox } = tables();
  let a = (block[0] as number) ^ (schedule[0] as number);
  let b = (block[1] as number) ^ (schedule[1] as number);
  let c = (block[2] as number) ^ (schedule[2] as number);
  let d = (block[3] as number) ^ (schedule[3] as number);
  let at = 4;
  for (let round = 1; round < rounds; round++) {
    const e =
      (t0[a >>> 24] as number) ^
      (t1[(b >>> 16) & 255] as number) ^
      (t2[(c >>> 8) & 255] as number) ^
      (t3[d & 255] as number) ^
      (schedule[at] as number);
    const f =
      (t0[b >>> 24] as number) ^
      (t1[(c >>> 16) & 255] as number) ^
      (t2[(d >>> 8) & 255] as number) ^
      (t3[a & 255] as number) ^
      (schedule[at + 1] as number);
    const g =
      (t0[c >>> 24] as number) ^
      (t1[(d >>> 16) & 255] as number) ^
      (t2[(a >>> 8) & 255] as number) ^
      (t3[b & 255] as number) ^
      (schedule[at + 2] as number);
    d =
      (t0[d >>> 24] as number) ^
      (t1[(a >>> 16) & 255] as number) ^
      (t2[(b >>> 8) & 255] as number) ^
      (t3[c & 255] as number) ^
      (schedule[at + 3] as number);
    a = e;
    b = f;
    c = g;
    at += 4;
  }
  block[0] = lastColumn(sBox, a, b, c, d) ^ (schedule[at] as number);
  block[1] = lastColumn(sBox, b, c, d, a) ^ (schedule[at + 1] as number);
  block[2] = lastColumn(sBox, c, d, a, b) ^ (schedule[at + 2] as number);
  block[3] = lastColumn(sBox, d, a, b, c) ^ (schedule[at + 3] as number);
}

/** The last round has no MixColumns. */
function lastColumn(sBox: Uint8Array, a: number, b: number, c: number, d: number): number {
  return (
    ((sBox[a >>> 24] as number) << 24) |
    ((sBox[(b >>> 16) & 255] as number) << 16) |
    ((sBox[(c >>> 8) & 255] as number) << 8) |
    (sBox[d & 255] as number)
  );
}
