import { readFileSync } from 'node:fs';
import { hasOddParity, type KeyAlgorithm } from '../../crypto/kcv.ts';
import { fromHex, isHex } from '../../platform/bytes.ts';
import { PossumError } from '../../platform/errors.ts';
import { isPublishedKey } from '../../secure/published-keys.ts';
import { argumentOrStdin } from '../input.ts';
import { keyOnCommandLine } from '../keys/sources.ts';
import { printJson, printText } from '../output.ts';
import type { Command } from '../program.ts';
import type { Calculator } from './calculators.ts';
import { FIELD_HELP } from './field-help.ts';
import { flattened, masked, withoutSteps } from './show.ts';
import { calculate } from './topics.ts';

interface Options extends Readonly<Record<string, unknown>> {
  readonly json?: boolean;
  readonly explain?: boolean;
  readonly reveal?: boolean;
  readonly iKnowTheseAreTestKeys?: boolean;
  readonly anyParity?: boolean;
}

/** Fields that hold a key, or several with commas between. */
const KEY_FIELDS: ReadonlySet<string> = new Set([
  'bdk',
  'components',
  'cvk',
  'iccMasterKey',
  'imk',
  'imkAc',
  'imkSmc',
  'imkSmi',
  'kbpk',
  'key',
  'pvk',
  'sourceKey',
  'targetKey',
]);

/** Adds a calculator with an option for each field of its operations. */
export function addCalculator(program: Command, calculator: Calculator): void {
  const { name, summary, operations, fields, example } = calculator;
  const sub = program
    .command(name)
    .description(summary)
    .argument('[operation]', operations.join(', '), operations[0])
    .addHelpText(
      'after',
      `\nA value @FILE is read from a file, - from standard input; keys that nobody published come so.\n\nExample:\n  possum crypto ${name} ${example}`,
    );
  if (tdesRootsOf(calculator).length > 0) {
    sub.option('--any-parity', 'take a TDES master key whose bytes do not have odd parity');
  }
  for (const field of fields) sub.option(`--${kebab(field)} <value>`, FIELD_HELP[field]);
  sub
    .option('--explain', 'show every intermediate value by name')
    .option('--reveal', 'show keys, PINs and card data in the clear')
    .option('--i-know-these-are-test-keys', 'take keys on the command line that nobody published')
    .option('--json', 'print JSON')
    .action(async (operation: string, options: Options) => {
      if (!operations.includes(operation)) {
        throw new PossumError('USAGE', `"${operation}" is none of ${operations.join(', ')}`);
      }
      const values = await valuesOf(fields, options);
      const whole = calculate(calculator.topic, operation, values);
      if (options.anyParity !== true) refuseEvenParity(tdesRootsOf(calculator), values);
      const wanted = options.explain === true ? whole : withoutSteps(whole);
      const answer = options.reveal === true ? wanted : masked(wanted, keyAlgorithms(calculator, values));
      if (options.json === true) printJson(answer);
      else printText(flattened(answer));
    });
}

/** TDES keys that somebody drew: they have odd parity, which keys that are derived need not have. */
const TDES_ROOTS: ReadonlySet<string> = new Set(['bdk', 'cvk', 'imk', 'imkAc', 'imkSmc', 'imkSmi', 'pvk']);

function tdesRootsOf({ topic, fields }: Calculator): readonly string[] {
  return topic === 'dukpt-aes' ? [] : fields.filter((field) => TDES_ROOTS.has(field));
}

/** A digit that was typed wrong shows in the parity more often than not. */
function refuseEvenParity(fields: readonly string[], values: Readonly<Record<string, unknown>>): void {
  for (const field of fields) {
    const text = values[field];
    if (typeof text !== 'string' || !isHex(text) || hasOddParity(fromHex(text))) continue;
    throw new PossumError('KEY', 'the key has bytes of even parity: a digit may be wrong', {
      where: `--${kebab(field)}`,
      remedy: '--any-parity takes it as it is; `possum crypto kcv adjust-parity` sets the parity.',
    });
  }
}

/** Which algorithm the keys of an answer are for: a working key of AES DUKPT may be for TDES or HMAC. */
function keyAlgorithms(
  { topic }: Calculator,
  values: Readonly<Record<string, unknown>>,
): (name: string) => KeyAlgorithm | undefined {
  if (topic !== 'dukpt-aes') return () => 'TDES';
  const type = String(values.workingKeyType ?? 'AES');
  const working = type.startsWith('AES') ? 'AES' : type.endsWith('TDEA') ? 'TDES' : undefined;
  return (name) => (['workingKey', 'updateKey'].includes(name) ? working : 'AES');
}

function kebab(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

async function valuesOf(fields: readonly string[], options: Options): Promise<Record<string, unknown>> {
  const values: Record<string, unknown> = {};
  for (const field of fields) {
    const given = options[field];
    if (typeof given !== 'string') continue;
    if (KEY_FIELDS.has(field) && options.iKnowTheseAreTestKeys !== true) refuseUnknownKeys(field, given);
    const text = await textOf(field, given);
    values[field] = field === 'components' ? text.split(',') : field === 'tags' ? jsonOf(field, text) : text;
  }
  return values;
}

/** What is no key at all is left to the calculation, which tells why. */
function refuseUnknownKeys(field: string, given: string): void {
  for (const text of given.split(',')) {
    if (isHex(text) && text.length >= 16 && !isPublishedKey(fromHex(text))) {
      throw keyOnCommandLine(`--${kebab(field)}`);
    }
  }
}

async function textOf(field: string, given: string): Promise<string> {
  if (given === '-') return (await argumentOrStdin(given, field)).replace(/\r?\n$/, '');
  if (!given.startsWith('@')) return given;
  try {
    return readFileSync(given.slice(1), 'utf8').replace(/\r?\n$/, '');
  } catch (cause) {
    throw new PossumError('USAGE', 'cannot be read', { where: given.slice(1), cause });
  }
}

function jsonOf(field: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new PossumError('FORMAT', 'is not JSON', { where: field, cause });
  }
}
