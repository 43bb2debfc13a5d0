import { readFileSync } from 'node:fs';
import { fromHex } from '../platform/bytes.ts';
import { PossumError } from '../platform/errors.ts';

/**
 * Text of an argument, or of standard input when it is absent or `-`.
 * @throws PossumError `USAGE` when there is neither
 */
export function argumentOrStdin(argument: string | undefined, what: string): string {
  if (argument !== undefined && argument !== '-') return argument;
  if (argument === undefined && process.stdin.isTTY === true) {
    throw new PossumError('USAGE', `${what} is missing`, {
      remedy: 'Give it as argument or on standard input.',
    });
  }
  return readFileSync(0, 'utf8');
}

/**
 * Bytes of hex as people paste it: white space, colons and `0x` are passed over.
 * @throws PossumError `FORMAT`
 */
export function hexInput(text: string): Uint8Array {
  const digits = text.replace(/0x/gi, '').replace(/[\s:,-]/g, '');
  if (digits === '') throw new PossumError('FORMAT', 'there are no bytes', { remedy: 'Give hex digits.' });
  try {
    return fromHex(digits);
  } catch (cause) {
    throw new PossumError('FORMAT', `not hex: ${(cause as Error).message}`, {
      remedy: 'Give an even number of digits 0-9 and A-F.',
      cause,
    });
  }
}
