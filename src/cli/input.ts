import { fromHex } from '../platform/bytes.ts';
import { PossumError } from '../platform/errors.ts';

/** More than any message, APDU or track has in hex, with white space. */
const STDIN_LIMIT = 1024 * 1024;
/** The longest response of a card: 65536 bytes and the status word. */
const BYTES_LIMIT = 65_538;

/**
 * Text of an argument, or of standard input when it is absent or `-`.
 * @throws PossumError `USAGE` when there is neither, when standard input cannot be read, or is endless
 */
export async function argumentOrStdin(argument: string | undefined, what: string): Promise<string> {
  if (argument !== undefined && argument !== '-') return argument;
  if (argument === undefined && process.stdin.isTTY === true) {
    throw new PossumError('USAGE', `${what} is missing`, {
      remedy: 'Give it as argument or on standard input.',
    });
  }
  return readStdin();
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    // One after the other as they come: a pipe whose writer is slow has nothing to read yet.
    for await (const chunk of process.stdin) {
      chunks.push(chunk as Buffer);
      length += (chunk as Buffer).length;
      if (length > STDIN_LIMIT) break;
    }
  } catch (cause) {
    throw new PossumError('USAGE', 'cannot be read', {
      where: 'standard input',
      remedy: 'Give the data as argument, or a file or pipe.',
      cause,
    });
  }
  if (length > STDIN_LIMIT) {
    throw new PossumError('USAGE', 'more than a mebibyte', {
      where: 'standard input',
      remedy: 'Give one object or message at a time.',
    });
  }
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * Bytes of hex as people paste it: white space, colons and `0x` are passed over.
 * @throws PossumError `FORMAT`
 */
export function hexInput(text: string): Uint8Array {
  const digits = text.replace(/0x/gi, '').replace(/[\s:,-]/g, '');
  if (digits === '') throw new PossumError('FORMAT', 'there are no bytes', { remedy: 'Give hex digits.' });
  if (digits.length > 2 * BYTES_LIMIT) {
    throw new PossumError(
      'FORMAT',
      `${Math.ceil(digits.length / 2)} bytes are longer than any message of a card or host`,
      {
        remedy: `Give at most ${BYTES_LIMIT}.`,
      },
    );
  }
  try {
    return fromHex(digits);
  } catch (cause) {
    throw new PossumError('FORMAT', `not hex: ${(cause as Error).message}`, {
      remedy: 'Give an even number of digits 0-9 and A-F.',
      cause,
    });
  }
}
