/**
 * The known word that is nearest to a misspelt one, else the list of them.
 * @param what the words are, in the plural
 */
export function spellingHint(wrong: string, known: readonly string[], what = 'keys'): string {
  const ranked = known.map((key) => ({
    key,
    distance: editDistance(wrong.toLowerCase(), key.toLowerCase()),
  }));
  const nearest = ranked.sort((a, b) => a.distance - b.distance)[0];
  if (nearest === undefined) return `There are no ${what} here; remove it or correct its spelling.`;
  if (nearest.distance <= Math.max(2, wrong.length / 3)) return `Did you mean "${nearest.key}"?`;
  return `Known ${what} are ${[...known].sort().join(', ')}.`;
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] as number) + 1, (next[j - 1] as number) + 1, substitution));
    }
    row = next;
  }
  return row[b.length] as number;
}

interface SchemaNode {
  readonly shape?: Readonly<Record<string, unknown>>;
  readonly element?: unknown;
  readonly valueType?: unknown;
  readonly innerType?: unknown;
  readonly in?: unknown;
  readonly options?: readonly unknown[];
}

/** Keys that the schema knows for the object at `path`; of a union, those of all alternatives. */
export function knownKeys(schema: unknown, path: readonly PropertyKey[]): string[] {
  const node = (schema as { _zod?: { def: SchemaNode } } | undefined)?._zod?.def;
  if (node === undefined) return [];
  const inner = node.innerType ?? node.in;
  if (inner !== undefined) return knownKeys(inner, path);
  if (node.options !== undefined)
    return [...new Set(node.options.flatMap((option) => knownKeys(option, path)))];
  const [step, ...rest] = path;
  if (step === undefined) return Object.keys(node.shape ?? {});
  return knownKeys(node.element ?? node.valueType ?? node.shape?.[String(step)], rest);
}
