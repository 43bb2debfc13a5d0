import { secretWords } from '../platform/secret-memory.ts';
import { wipeWords } from './des.ts';
import {
  DES_SCHEDULE_WORDS,
  desRounds,
  desSchedule,
  finalPermutation,
  initialPermutation,
} from './des-block.ts';

/**
 * The step that every key of TDES DUKPT is made by (X9.24-1:2009, annex A.2), on words. Key bits
 * enter a DES schedule by exclusive or only, so the schedule of the masked key is that of the key combined with the
 * schedule of the mask.
 */

/** C0C0C0C0 in the left half of each key half. */
const KEY_MASK = 0xc0c0c0c0 | 0;

const block = secretWords(2);
const schedule = secretWords(DES_SCHEDULE_WORDS);
const maskSchedule = new Int32Array(DES_SCHEDULE_WORDS);
let maskKnown = false;

/**
 * Makes the key at `to` from the key at `from`, both four words in `keys`; they may be the same.
 * @param left the left word of the crypto register, the right eight bytes of a KSN
 * @param right its right word, with the counter as far as it is derived
 */
export function oneWay(keys: Int32Array, from: number, to: number, left: number, right: number): void {
  const third = keys[from + 2] as number;
  const fourth = keys[from + 3] as number;
  desSchedule(schedule, keys[from] as number, keys[from + 1] as number);
  half(left, right, third, fourth);
  keys[to + 2] = (block[0] as number) ^ third;
  keys[to + 3] = (block[1] as number) ^ fourth;
  maskTheSchedule();
  half(left, right, third ^ KEY_MASK, fourth);
  keys[to] = (block[0] as number) ^ third ^ KEY_MASK;
  keys[to + 1] = (block[1] as number) ^ fourth;
}

/** Wipes what the last step left in the work space. */
export function wipeStep(): void {
  wipeWords(block);
  schedule.fill(0);
}

/** Right half in, DES under the left half; the caller takes the right half in again. */
function half(left: number, right: number, third: number, fourth: number): void {
  block[0] = left ^ third;
  block[1] = right ^ fourth;
  initialPermutation(block);
  desRounds(block, schedule, false);
  finalPermutation(block);
}

function maskTheSchedule(): void {
  if (!maskKnown) {
    desSchedule(maskSchedule, KEY_MASK, 0);
    maskKnown = true;
  }
  for (let i = 0; i < DES_SCHEDULE_WORDS; i++) {
    schedule[i] = (schedule[i] as number) ^ (maskSchedule[i] as number);
  }
}
