import { EXIT, type ExitCode, PossumError } from '../../platform/errors.ts';
import type { ComponentRequest } from '../../secure/components.ts';
import type { KeySlot } from '../../secure/key-slots.ts';
import { slotForUsage } from '../../secure/keys.ts';
import type { SecureModule } from '../../secure/secure-module.ts';
import type { DataOptions } from '../data-folder.ts';
import { askComponents, type Keyboard } from './asked-components.ts';
import { type ComponentForms, parseComponentForms } from './component-forms.ts';
import { type KindOptions, kindOf } from './kind.ts';
import { reportLoaded } from './show.ts';
import { textOfFile } from './sources.ts';
import { withVault } from './vault.ts';
import { loadWorkingKeys } from './working.ts';

export interface LoadOptions extends DataOptions, Partial<KindOptions> {
  readonly block?: string;
  readonly component?: readonly string[];
  readonly working?: string;
  readonly slot?: string;
  readonly under?: string;
  readonly kcv?: string;
  readonly iKnowTheseAreTestKeys?: boolean;
}

/**
 * `possum keys load`: a key block, clear components of several holders, or working keys under a master key.
 * @returns 1 when a working key has a wrong check value
 */
export async function loadKey(options: LoadOptions): Promise<ExitCode> {
  const { block, component = [], working } = options;
  if ([block, component[0], working].filter((given) => given !== undefined).length > 1) {
    throw new PossumError('USAGE', '--block, --component and --working exclude each other');
  }
  if (working !== undefined) return loadWorkingKeys(working, options);
  const slot = block === undefined ? await loadComponents(options) : await loadBlock(block, options);
  reportLoaded(slot, options.json === true);
  return EXIT.done;
}

async function loadBlock(path: string, options: LoadOptions): Promise<KeySlot> {
  const block = await textOfFile(path, 'a key block');
  const { slot, under } = options;
  return withVault(options, (secure) =>
    secure.keys.loadBlock({
      block,
      marked: options.iKnowTheseAreTestKeys === true,
      ...(slot === undefined ? {} : { name: slot }),
      ...(under === undefined ? {} : { under }),
    }),
  );
}

async function loadComponents(options: LoadOptions): Promise<KeySlot> {
  const { usage, algorithm } = options;
  if (usage === undefined || algorithm === undefined) {
    throw new PossumError('USAGE', 'what key it is to be is missing', {
      remedy:
        'Name --block FILE; or for components --usage and --algorithm, e.g. --usage K0 --algorithm tdes.',
    });
  }
  const kind = kindOf({ ...options, usage, algorithm });
  const request: ComponentRequest = {
    ...kind,
    name: options.slot ?? slotForUsage(kind.usage),
    marked: options.iKnowTheseAreTestKeys === true,
  };
  const { forms, keyKcv } = await formsOf(options.component ?? []);
  const whole = options.kcv ?? keyKcv;
  if (whole === undefined) {
    throw new PossumError('USAGE', 'the check value of the whole key is missing', {
      remedy: 'Give --kcv HEX, or the line `key-kcv: HEX`.',
    });
  }
  return withVault(options, (secure) => combine(secure, request, forms, whole));
}

function combine(
  secure: SecureModule,
  request: ComponentRequest,
  forms: ComponentForms['forms'],
  kcv: string,
): KeySlot {
  const ceremony = secure.keys.beginComponents(request);
  try {
    for (const form of forms) ceremony.add(form.holder, form.component, form.kcv);
    return ceremony.finish(kcv);
  } finally {
    ceremony.abandon();
    for (const { component } of forms) component.fill(0);
  }
}

/** One file for each holder; without files the holders type, or standard input has the forms of all. */
async function formsOf(files: readonly string[]): Promise<ComponentForms> {
  if (files.length === 0 && process.stdin.isTTY === true) {
    return askComponents(process.stdin as Keyboard, (text) => process.stderr.write(text));
  }
  const parsed: ComponentForms[] = [];
  for (const file of files.length === 0 ? ['-'] : files) {
    parsed.push(
      parseComponentForms(await textOfFile(file, 'a component form'), file === '-' ? 'standard input' : file),
    );
  }
  return {
    forms: parsed.flatMap(({ forms }) => forms),
    keyKcv: parsed.find(({ keyKcv }) => keyKcv !== undefined)?.keyKcv,
  };
}
