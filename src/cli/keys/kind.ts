import { PossumError } from '../../platform/errors.ts';
import { spellingHint } from '../../platform/spelling-hint.ts';
import { isModeOf, KEY_USAGES, usageTitle } from '../../secure/key-usage.ts';

/** The options that say what a key is. */
export interface KindOptions {
  readonly usage: string;
  readonly algorithm: string;
  readonly mode?: string;
  readonly export?: string;
}

export interface KeyKind {
  readonly usage: string;
  readonly algorithm: string;
  readonly modeOfUse: string;
  readonly exportability: string;
  /** Of a new key. */
  readonly bytes: number;
}

/** Names of algorithms, their X9.143 letter and the bytes of a new key. */
const ALGORITHMS: Readonly<Record<string, readonly [letter: string, bytes: number]>> = {
  tdes: ['T', 16],
  'tdes-128': ['T', 16],
  'tdes-192': ['T', 24],
  aes: ['A', 16],
  'aes-128': ['A', 16],
  'aes-192': ['A', 24],
  'aes-256': ['A', 32],
  'hmac-256': ['H', 32],
};

export const ALGORITHM_NAMES = Object.keys(ALGORITHMS);

/** What a key is mostly loaded for. */
const USUAL_MODE: Readonly<Record<string, string>> = {
  P: 'E',
  M: 'C',
  D: 'B',
  K: 'B',
  B: 'X',
  E: 'X',
  '1': 'C',
};

/** @throws PossumError `USAGE` naming the option */
export function kindOf(options: KindOptions): KeyKind {
  const usage = options.usage.toUpperCase();
  if (!KEY_USAGES.includes(usage)) {
    throw new PossumError('USAGE', `there is no key usage "${options.usage.slice(0, 12)}"`, {
      where: '--usage',
      remedy: spellingHint(usage, KEY_USAGES, 'usages'),
    });
  }
  const found = ALGORITHMS[options.algorithm.toLowerCase()];
  if (found === undefined) {
    throw new PossumError('USAGE', `there is no algorithm "${options.algorithm.slice(0, 12)}"`, {
      where: '--algorithm',
      remedy: spellingHint(options.algorithm, ALGORITHM_NAMES, 'algorithms'),
    });
  }
  const [algorithm, bytes] = found;
  if ((algorithm === 'H') !== (usage === 'M7')) {
    throw new PossumError('USAGE', `usage ${usage} (${usageTitle(usage)}) has no ${options.algorithm} keys`, {
      where: '--algorithm',
      remedy: 'HMAC goes with usage M7, and with no other.',
    });
  }
  const modeOfUse = options.mode?.toUpperCase() ?? usualMode(usage);
  if (!isModeOf(usage, modeOfUse)) {
    throw new PossumError(
      'USAGE',
      `usage ${usage} (${usageTitle(usage)}) does not go with mode "${modeOfUse.slice(0, 4)}"`,
      {
        where: '--mode',
        remedy: `Leave it out for ${usualMode(usage)}.`,
      },
    );
  }
  const exportability = options.export?.toUpperCase() ?? 'E';
  if (!/^[ENS]$/.test(exportability)) {
    throw new PossumError('USAGE', 'exportability is E, N or S', { where: '--export' });
  }
  return { usage, algorithm, modeOfUse, exportability, bytes };
}

function usualMode(usage: string): string {
  const usual = USUAL_MODE[usage.charAt(0)] ?? 'N';
  return isModeOf(usage, usual) ? usual : 'N';
}
