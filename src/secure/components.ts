import { combineComponents } from '../crypto/kcv.ts';
import { equalBytes } from '../platform/bytes.ts';
import { PossumError } from '../platform/errors.ts';
import { secretCopy } from '../platform/secret-memory.ts';
import { checkValueOf, confirms } from './check-value.ts';
import type { KeySlot } from './key-slots.ts';
import { isModeOf, usageTitle } from './key-usage.ts';
import { refuseForeignKinds } from './opened-block.ts';
import { isPublishedKey } from './published-keys.ts';
import { originOfForeign } from './test-keys.ts';

/** What the combined key is to be. */
export interface ComponentRequest {
  readonly name: string;
  readonly usage: string;
  /** `T` or `A`. */
  readonly algorithm: string;
  readonly modeOfUse: string;
  readonly exportability: string;
  /** The operator said for this run that the keys are test keys. */
  readonly marked: boolean;
}

/**
 * A key in two or three clear components, each known to one holder (X9.24-1, dual control and split knowledge). Nothing
 * is kept before the end, and all is wiped when a step is refused.
 */
export interface ComponentCeremony {
  /**
   * Takes the component of one holder, who confirms it by its own check value. The caller's bytes are wiped.
   * @throws PossumError `KEY` for a holder who gave one already, a wrong check value or length; the ceremony is over
   */
  add(holder: string, component: Uint8Array, checkValue: string): void;
  /**
   * Confirms the check value of the whole key and keeps it.
   * @throws PossumError `KEY` when it is another, or too few have come; the ceremony is over
   */
  finish(checkValue: string): KeySlot;
  /** Wipes what was given. */
  abandon(): void;
}

const LEAST = 2;
const MOST = 3;
const LENGTHS: Readonly<Record<string, readonly number[]>> = { T: [16, 24], A: [16, 24, 32] };

/**
 * @param keep puts the whole key into its slot, durably
 * @throws PossumError `KEY` for a kind of key that is not loaded in components
 */
export function componentCeremony(
  request: ComponentRequest,
  keep: (slot: KeySlot, key: Uint8Array) => void,
): ComponentCeremony {
  const { name, usage, algorithm, modeOfUse, exportability, marked } = request;
  refuseForeignKinds(usage, algorithm, modeOfUse);
  if (!Object.hasOwn(LENGTHS, algorithm) || !isModeOf(usage, modeOfUse)) {
    throw new PossumError('KEY', `keys of algorithm ${algorithm} are not loaded in components`, {
      remedy: 'TDES (T) and AES (A) keys are.',
    });
  }
  const given: { readonly holder: string; readonly component: Uint8Array }[] = [];
  let isOver = false;
  const abandon = () => {
    isOver = true;
    for (const { component } of given.splice(0)) component.fill(0);
  };
  const step = <T>(work: () => T): T => {
    if (isOver) throw new PossumError('STATE', 'this key ceremony is over', { remedy: 'Begin anew.' });
    try {
      return work();
    } catch (cause) {
      abandon();
      throw cause;
    }
  };
  return {
    abandon,
    add: (holder, component, checkValue) =>
      step(() => {
        const taken = secretCopy(component);
        component.fill(0);
        given.push({ holder: nameOf(holder), component: taken });
        checkComponent(given, algorithm, checkValue);
      }),
    finish: (checkValue) =>
      step(() => {
        if (given.length < LEAST) {
          throw new PossumError(
            'KEY',
            `a key is made of ${LEAST} or ${MOST} components, not of ${given.length}`,
            {
              remedy: 'One person alone must not know it: give the component of another holder.',
            },
          );
        }
        const key = combineComponents(given.map(({ component }) => component));
        try {
          checkWhole(key, algorithm, usage, checkValue);
          const origin = isPublishedKey(key)
            ? 'components'
            : originOfForeign(key, marked, 'the key that these components make');
          const kcv = checkValueOf(algorithm, key);
          const slot = {
            name,
            usage,
            algorithm,
            modeOfUse,
            exportability,
            bits: 8 * key.length,
            kcv,
            origin,
          };
          keep(slot, key);
          return slot;
        } finally {
          key.fill(0);
          abandon();
        }
      }),
  };
}

function nameOf(holder: string): string {
  const name = holder.trim().toLowerCase();
  if (name !== '') return name;
  throw new PossumError('KEY', 'a component without the name of its holder', {
    remedy: 'Say who gives it: two different people are needed.',
  });
}

type Given = readonly { readonly holder: string; readonly component: Uint8Array }[];

/** Checks the component that came last. */
function checkComponent(given: Given, algorithm: string, checkValue: string): void {
  const { holder, component } = given.at(-1) as Given[number];
  const before = given.slice(0, -1);
  const refuse = (what: string, remedy: string) => {
    throw new PossumError('KEY', what, { where: `component ${given.length} of ${holder}`, remedy });
  };
  if (given.length > MOST) refuse(`there are ${MOST} components at most`, 'Begin anew with two or three.');
  if (before.some((other) => other.holder === holder)) {
    refuse('this holder gave a component already', 'Dual control: another person has to give this one.');
  }
  const lengths = LENGTHS[algorithm] as readonly number[];
  if (!lengths.includes(component.length)) {
    refuse(`a component of ${component.length} bytes`, `It has ${lengths.join(' or ')} bytes.`);
  }
  if (before.some((other) => other.component.length !== component.length)) {
    refuse('the components differ in length', 'All have the length of the key.');
  }
  if (component.every((byte) => byte === 0)) refuse('a component of zeros hides nothing', 'Draw a new one.');
  if (before.some((other) => equalBytes(other.component, component))) {
    refuse('the same component as before: together they are zeros', 'Each holder draws an own one.');
  }
  if (!confirms(checkValue, algorithm, component)) {
    refuse('the check value is not that of this component', 'Compare it with the form and enter both again.');
  }
}

function checkWhole(key: Uint8Array, algorithm: string, usage: string, checkValue: string): void {
  if (!confirms(checkValue, algorithm, key)) {
    throw new PossumError('KEY', 'the check value is not that of the key which the components make', {
      remedy: 'Nothing was kept. Begin anew, in case two forms belong to different keys.',
    });
  }
  if (algorithm === 'T' && equalBytes(key.subarray(0, 8), key.subarray(8, 16))) {
    throw new PossumError(
      'KEY',
      `a TDES key for ${usageTitle(usage)} whose halves are equal is a single DES key`,
      {
        remedy: 'Draw new components.',
      },
    );
  }
}
