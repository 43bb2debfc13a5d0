import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { cardPath } from '../app.ts';
import { isPossumError } from '../platform/errors.ts';
import { spellingHint } from '../platform/spelling-hint.ts';

/** Something that a scenario names and that does not exist. */
export interface BrokenReference {
  readonly path: PropertyKey[];
  readonly message: string;
}

interface Presented {
  readonly card: string;
  readonly next?: readonly { readonly card: string }[] | undefined;
}

/** A step, as far as it names something. */
interface NamingStep {
  readonly name?: string | undefined;
  readonly void?: number | string | undefined;
  readonly sale?: Presented | undefined;
  readonly refund?: Presented | undefined;
}

/**
 * Where a card of a scenario lies: a file, or a shipped one by name.
 * @param resolveFile makes a path of the scenario absolute
 */
export function scenarioCardPath(name: string, resolveFile: (path: string) => string): string {
  return isCardFile(name) ? resolveFile(name) : cardPath(name);
}

/** What does not exist: steps that a void names, cards. */
export function brokenReferences(steps: readonly NamingStep[], folder: string): readonly BrokenReference[] {
  const broken: BrokenReference[] = [];
  const earlier: string[] = [];
  for (const [index, step] of steps.entries()) {
    const at = ['steps', index];
    if (typeof step.void === 'string' && !earlier.includes(step.void)) {
      const message = `no sale or refund before it is named "${step.void}". ${spellingHint(step.void, earlier, 'steps')}`;
      broken.push({ path: [...at, 'void'], message });
    }
    for (const kind of ['sale', 'refund'] as const) {
      const action = step[kind];
      if (action === undefined) continue;
      if (step.name !== undefined) earlier.push(step.name);
      const cards: [string, PropertyKey[]][] = [
        [action.card, [...at, kind, 'card']],
        ...(action.next ?? []).map(({ card }, i): [string, PropertyKey[]] => [
          card,
          [...at, kind, 'next', i, 'card'],
        ]),
      ];
      for (const [card, path] of cards) {
        const message = missingCard(card, folder);
        if (message !== undefined) broken.push({ path, message });
      }
    }
  }
  return broken;
}

function isCardFile(name: string): boolean {
  return /[/\\]|\.ya?ml$/.test(name);
}

function missingCard(name: string, folder: string): string | undefined {
  if (isCardFile(name)) {
    const path = resolve(folder, name);
    return existsSync(path) ? undefined : `there is no file ${path}`;
  }
  try {
    cardPath(name);
    return undefined;
  } catch (cause) {
    if (!isPossumError(cause)) throw cause;
    return cause.describe();
  }
}
