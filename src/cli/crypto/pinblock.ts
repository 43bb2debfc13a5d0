import {
  type DecodedPinBlock,
  decodePinBlock,
  encodePinBlock,
  type PinBlockInput,
  panField4,
  pinToText,
} from '../../crypto/pin-block.ts';
import { decipherPinBlock, encipherPinBlock, translatePinBlock } from '../../crypto/pin-encipher.ts';
import { toHex } from '../../platform/bytes.ts';
import { PossumError } from '../../platform/errors.ts';
import { type Answer, type Fields, fault, type Topic } from './fields.ts';
import { type PinFormat, pinBlockInput, pinDigits, pinFill, pinFormat } from './pin.ts';

/** ISO 9564-1 PIN blocks, formats 0 to 4. */
export const pinblock: Topic = {
  'encode-decode': (input) => {
    if (!input.has('pin')) return decode(input);
    const encoded = encode(input);
    if (!input.has('clearPinBlock')) return encoded;
    const decoded = decode(input);
    if (decoded.pin !== encoded.pin) throw fault('clearPinBlock', 'holds another PIN than the one given');
    return input.has('fill') ? encoded : decoded;
  },
  'encode-reject': encode,
  decode,
  'decode-reject': decode,
  'format4-pan-field': (input) => {
    onlyFormat4(input);
    return { panField: toHex(panField4(input.digits('pan', 0, 64))) };
  },
  'format4-encipher': (input) => {
    onlyFormat4(input);
    const block = pinBlockInput(input, 4);
    return {
      panField: toHex(panField4(input.digits('pan', 0, 64))),
      clearPinBlock: toHex(encodePinBlock(block)),
      encipheredPinBlock: toHex(encipherPinBlock(input.hex('key'), block)),
    };
  },
  'format4-decipher': decipher4,
  'format4-decipher-reject': decipher4,
  translate,
};

function onlyFormat4(input: Fields): void {
  if (input.integerOr('format', 4, 0, 4) !== 4) throw fault('format', 'is not 4');
}

function encode(input: Fields): Answer {
  const format = pinFormat(input, 'format');
  const block = format === 4 ? clearFormat4(input) : pinBlockInput(input, format);
  return answer(input, format, encodePinBlock(block), block.pin);
}

/** The clear field of format 4 holds no PAN; one that is given has to be one all the same. */
function clearFormat4(input: Fields): PinBlockInput {
  const pin = pinDigits(input);
  const fill = pinFill(input, 'fill', 4, pin.length);
  return { format: 4, pin, fill, ...(input.has('pan') ? { pan: input.digits('pan', 0, 64) } : {}) };
}

function decode(input: Fields): Answer {
  const format = pinFormat(input, 'format');
  const block = input.hex('clearPinBlock');
  const pan = input.digitsOr('pan', '', 0, 64);
  if (format === 4 && input.has('pan')) panField4(pan);
  return answer(input, format, block, pinOf(decodePinBlock({ format, block, pan })));
}

/** PIN, block and the fill in it, as {@link encode} takes it. */
function answer(input: Fields, format: PinFormat, block: Uint8Array, pin: Uint8Array): Answer {
  const hex = toHex(block);
  const answered = { pin: pinToText(pin), clearPinBlock: hex };
  if (format === 0 || format === 2) return answered;
  if (format === 4) return { ...answered, fill: hex.slice(16) };
  const fill = hex.slice(2 + pin.length);
  if (format === 1) return { ...answered, fill };
  // Formats 0 and 3 end with twelve digits of the PAN, which the check digit follows.
  const account = input.digits('pan', 13, 19).slice(-1 - fill.length, -1);
  const digit = (i: number) => Number.parseInt(fill.charAt(i), 16) ^ Number(account.charAt(i));
  return {
    ...answered,
    fill: Array.from(fill, (_, i) => digit(i).toString(16).toUpperCase()).join(''),
  };
}

function pinOf(decoded: DecodedPinBlock): Uint8Array {
  if (decoded.kind === 'pin') return decoded.pin;
  throw new PossumError('FORMAT', `the PIN block is not valid: ${decoded.reason}`);
}

function decipher4(input: Fields): Answer {
  onlyFormat4(input);
  const block = input.hex('encipheredPinBlock');
  const pan = input.digits('pan', 0, 64);
  return { pin: pinToText(pinOf(decipherPinBlock(input.hex('key'), { format: 4, block, pan }))) };
}

function translate(input: Fields): Answer {
  const pan = input.digitsOr('pan', '', 0, 64);
  const source = { format: pinFormat(input, 'sourceFormat'), key: input.hex('sourceKey'), pan };
  const block = input.hex('sourceEncryptedPinBlock');
  const pin = pinOf(decipherPinBlock(source.key, { ...source, block }));
  const format = pinFormat(input, 'targetFormat');
  const target = {
    format,
    key: input.hex('targetKey'),
    pan: input.digitsOr('targetPan', pan, 0, 64),
    fill: pinFill(input, 'targetFill', format, pin.length),
  };
  const made = translatePinBlock(block, source, target);
  if (made.kind === 'invalid') throw new PossumError('FORMAT', `the PIN block is not valid: ${made.reason}`);
  return { pin: pinToText(pin), targetEncryptedPinBlock: toHex(made.block) };
}
