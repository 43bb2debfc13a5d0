import { EXIT, type ExitCode, PossumError } from '../../platform/errors.ts';
import { workingKeysOfSignOn } from '../../secure/working-keys.ts';
import type { DataOptions } from '../data-folder.ts';
import { hexInput } from '../input.ts';
import { printJson, printProgress } from '../output.ts';
import { reportLoaded } from './show.ts';
import { textOfFile } from './sources.ts';
import { withVault } from './vault.ts';

/**
 * Loads the working keys of a `cup` sign-on answer.
 * @returns 1 when a check value is wrong: the set before stays
 */
export async function loadWorkingKeys(
  path: string,
  options: DataOptions & { readonly under?: string },
): Promise<ExitCode> {
  const field = hexInput(await textOfFile(path, 'field 62 of a sign-on answer'));
  const set = workingKeysOfSignOn(field);
  if (set === undefined) {
    throw new PossumError('FORMAT', `no set of working keys has ${field.length} bytes`, {
      where: path === '-' ? 'standard input' : path,
      remedy: 'Field 62 has 24, 40, 56, 60 or 84 bytes.',
    });
  }
  const outcome = await withVault(options, (secure) =>
    secure.keys.replaceWorkingKeys(options.under ?? 'master-key', set),
  );
  if (outcome.kind === 'refused') {
    if (options.json === true) printJson(outcome);
    else printProgress(`Key check failed: ${outcome.key} key, ${outcome.reason}. The set before stays.`);
    return EXIT.failed;
  }
  if (options.json === true) printJson(outcome);
  else for (const slot of outcome.slots) reportLoaded(slot, false);
  return EXIT.done;
}
