import { DES_SCHEDULE_WORDS, desSchedule } from '../../../src/crypto/des-block.ts';
import { futureKeys, transactionKey, withCounter, workingKeys } from '../../../src/crypto/dukpt-tdes.ts';
import { encodePinBlock } from '../../../src/crypto/pin-block.ts';
import { fromHex, latin1 } from '../../../src/platform/bytes.ts';
import type { Canary } from './scan.ts';

/** The forms in which secrets of a PIN entry may lie in the memory of a JavaScript program. */

/** A PIN as text, digits, numbers and clear blocks. */
export function pinCanaries(name: string, pin: string, pan: string): readonly Canary[] {
  const digits = Uint8Array.from(pin, Number);
  const forms: readonly (readonly [string, Uint8Array])[] = [
    ['text', latin1(pin)],
    ['wide text', Buffer.from(pin, 'utf16le')],
    ['list in text', latin1([...pin].join(','))],
    ['digits', digits],
    ['packed', fromHex(pin)],
    ['packed backwards', fromHex(pin).reverse()],
    ['small integers', smallIntegers(digits)],
    ['words', new Uint8Array(Int32Array.from(digits).buffer)],
    ['floating point', new Uint8Array(Float64Array.from(digits).buffer)],
  ];
  return [
    ...forms.map(([form, bytes]) => ({ name: `${name} ${form}`, bytes })),
    ...blockForms(`${name} block 0`, encodePinBlock({ format: 0, pin: digits, pan })),
    ...blockForms(`${name} block 2`, encodePinBlock({ format: 2, pin: digits })),
    ...blockForms(
      `${name} block 4`,
      encodePinBlock({ format: 4, pin: digits, fill: new Uint8Array(8) }).slice(0, 8),
    ),
  ];
}

/** Every key that an initial key comes to in its first transactions, whole, in halves, and as schedules. */
export function keyCanaries(initial: Uint8Array, ksn: Uint8Array, transactions: number): readonly Canary[] {
  const registers = futureKeys(initial, withCounter(ksn, 0), 21);
  const canaries = [
    ...keyForms('initial key', initial),
    // The lower registers hold keys of these transactions.
    ...registers.flatMap((key, index) =>
      1 << index <= transactions ? [] : keyForms(`register ${index + 1}`, key),
    ),
  ];
  for (let counter = 1; counter <= transactions; counter++) {
    const transaction = transactionKey(initial, withCounter(ksn, counter));
    canaries.push(...keyForms(`transaction key ${counter}`, transaction));
    for (const [name, key] of Object.entries(workingKeys(transaction))) {
      canaries.push(...keyForms(`${name} ${counter}`, key));
    }
  }
  return canaries;
}

function keyForms(name: string, key: Uint8Array): readonly Canary[] {
  return [key.subarray(0, 8), key.subarray(8)].flatMap((half, index) => {
    const [left = 0, right = 0] = bigEndianWords(half);
    const schedule = new Int32Array(DES_SCHEDULE_WORDS);
    desSchedule(schedule, left, right);
    return [
      ...blockForms(`${name} half ${index + 1}`, half),
      { name: `${name} schedule ${index + 1}`, bytes: new Uint8Array(schedule.buffer, 0, 16) },
    ];
  });
}

/** Eight bytes as they are, backwards, as machine words and as numbers of V8. */
function blockForms(name: string, block: Uint8Array): readonly Canary[] {
  const words = bigEndianWords(block);
  return [
    { name, bytes: block },
    { name: `${name} backwards`, bytes: Uint8Array.from(block).reverse() },
    { name: `${name} words`, bytes: new Uint8Array(words.buffer) },
    { name: `${name} small integers`, bytes: smallIntegers(words) },
    { name: `${name} text`, bytes: hexText(block) },
  ];
}

function hexText(block: Uint8Array): Uint8Array {
  return latin1(Buffer.from(block).toString('hex').toUpperCase());
}

function bigEndianWords(block: Uint8Array): Int32Array {
  const view = new DataView(block.buffer, block.byteOffset);
  return Int32Array.of(view.getInt32(0), view.getInt32(4));
}

/** Numbers as V8 keeps small ones in memory: the upper half of eight bytes; the zeros in front are left out. */
function smallIntegers(values: ArrayLike<number>): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(8 * values.length));
  for (let i = 0; i < values.length; i++) bytes.setInt32(8 * i + 4, values[i] as number, true);
  return new Uint8Array(bytes.buffer, 4);
}
