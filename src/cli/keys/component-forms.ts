import { PossumError } from '../../platform/errors.ts';
import { hexInput } from '../input.ts';

/** What one holder has on the form. */
export interface ComponentForm {
  readonly holder: string;
  readonly component: Uint8Array;
  readonly kcv: string;
}

/** The forms of all holders, and the check value of the whole key when it stands there. */
export interface ComponentForms {
  readonly forms: readonly ComponentForm[];
  readonly keyKcv: string | undefined;
}

/**
 * Reads forms of lines `holder:`, `component:` (hex) and `kcv:`, one after the other; a line `key-kcv:` has the check
 * value of the whole key. Errors never repeat a value.
 * @throws PossumError `FORMAT` with the line
 */
export function parseComponentForms(text: string, where: string): ComponentForms {
  const forms: { holder: string; component?: Uint8Array; kcv?: string }[] = [];
  let keyKcv: string | undefined;
  const lines = text.split(/\r?\n/);
  for (const [index, line] of lines.entries()) {
    const place = `${where}:${index + 1}`;
    if (/^\s*(?:#.*)?$/.test(line)) continue;
    const [, name = '', value = ''] = /^\s*([A-Za-z-]+)\s*:\s*(.*?)\s*$/.exec(line) ?? [];
    const form = forms.at(-1);
    switch (name.toLowerCase()) {
      case 'holder':
        forms.push({ holder: value });
        break;
      case 'component':
        if (form === undefined || form.component !== undefined) throw misplaced('component', place);
        form.component = componentOf(value, place);
        break;
      case 'kcv':
        if (form === undefined || form.kcv !== undefined) throw misplaced('kcv', place);
        form.kcv = value;
        break;
      case 'key-kcv':
        keyKcv = value;
        break;
      default:
        throw new PossumError('FORMAT', 'is no line of a component form', { where: place, remedy: FORM });
    }
  }
  return {
    keyKcv,
    forms: forms.map(({ holder, component, kcv }) => {
      if (component !== undefined && kcv !== undefined) return { holder, component, kcv };
      throw new PossumError(
        'FORMAT',
        `the form of a holder lacks its ${component === undefined ? 'component' : 'kcv'}`,
        {
          where,
          remedy: FORM,
        },
      );
    }),
  };
}

const FORM = 'A form has the lines `holder: NAME`, `component: HEX` and `kcv: HEX`.';

function misplaced(name: string, where: string): PossumError {
  return new PossumError('FORMAT', `a ${name} that belongs to no holder, or the second one`, {
    where,
    remedy: FORM,
  });
}

function componentOf(value: string, where: string): Uint8Array {
  try {
    return hexInput(value);
  } catch {
    throw new PossumError('FORMAT', 'the component is not hex', {
      where,
      remedy: 'It has an even number of digits 0-9 and A-F.',
    });
  }
}
