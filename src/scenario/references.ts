import { existsSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { cardPath } from '../app.ts';
import { fixturePath } from '../platform/fixtures.ts';
import { spellingHint } from '../platform/spelling-hint.ts';
import type { ScenarioFile } from './schema.ts';

/** Something that a scenario names and that does not exist. */
export interface BrokenReference {
  readonly path: PropertyKey[];
  readonly message: string;
}

/**
 * Where a card of a scenario lies: a file, or a shipped one by name.
 * @param resolveFile makes a path of the scenario absolute
 */
export function scenarioCardPath(name: string, resolveFile: (path: string) => string): string {
  return isCardFile(name) ? resolveFile(name) : cardPath(name);
}

/** What does not exist: steps that a void names, cards. */
export function brokenReferences({ steps }: ScenarioFile, folder: string): readonly BrokenReference[] {
  const broken: BrokenReference[] = [];
  const earlier: string[] = [];
  for (const [index, step] of steps.entries()) {
    const at = ['steps', index];
    if (typeof step.void === 'string' && !earlier.includes(step.void)) {
      const message = `no sale or refund before it is named "${step.void}". ${spellingHint(step.void, earlier)}`;
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
  if (existsSync(fixturePath('cards', `${name}.yaml`))) return undefined;
  const shipped = readdirSync(fixturePath('cards')).flatMap((file) => /^(.+)\.yaml$/.exec(file)?.[1] ?? []);
  return `there is no card "${name}" among the shipped ones. ${spellingHint(name, shipped)}`;
}
