import { readFileSync, statSync } from 'node:fs';
import { fromHex, isHex } from '../../platform/bytes.ts';
import { PossumError } from '../../platform/errors.ts';
import { argumentOrStdin } from '../input.ts';

/** More than a key block or a component has. */
const FILE_LIMIT = 64 * 1024;

/**
 * The text of a file, or of standard input for `-`.
 * @throws PossumError `USAGE` when it cannot be read or is no such text
 */
export async function textOfFile(path: string, what: string): Promise<string> {
  if (path === '-') return argumentOrStdin(path, what);
  const refuse = (message: string, cause?: unknown) =>
    new PossumError('USAGE', message, {
      where: path,
      remedy: `Name a file with ${what}, or - for standard input.`,
      ...(cause === undefined ? {} : { cause }),
    });
  let size: number;
  try {
    size = statSync(path).size;
  } catch (cause) {
    // It may be the key block itself: an error must not repeat what may be a secret.
    throw new PossumError('USAGE', 'there is no such file', {
      where: path.length > 60 ? `${path.slice(0, 12)}…` : path,
      remedy: `Name a file with ${what}, or - for standard input.`,
      cause,
    });
  }
  if (size > FILE_LIMIT) throw refuse(`${size} bytes are too much for ${what}`);
  try {
    return readFileSync(path, 'latin1');
  } catch (cause) {
    throw refuse('cannot be read', cause);
  }
}

/**
 * Bytes of a value on the command line; errors name the option and never the value.
 * @throws PossumError `USAGE`
 */
export function hexOption(text: string, option: string, lengths: readonly number[]): Uint8Array {
  const digits = text.replace(/\s+/g, '');
  if (isHex(digits) && lengths.includes(digits.length / 2)) return fromHex(digits);
  const problem = isHex(digits) ? `has ${digits.length / 2} bytes` : 'is not hex';
  throw new PossumError('USAGE', `the value ${problem}`, {
    where: option,
    remedy: `It has ${lengths.join(', ')} bytes in hex.`,
  });
}

/** A key that nobody published would stand in the history of the shell and in the list of processes. */
export function keyOnCommandLine(option: string): PossumError {
  return new PossumError(
    'USAGE',
    'a key that is no published test value does not belong on the command line',
    { where: option, remedy: 'Give it as @FILE, or - for standard input.' },
  );
}
