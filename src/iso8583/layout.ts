import { PossumError } from '../platform/errors.ts';
import type { FieldLayout } from './spec.ts';

export interface FieldPart {
  readonly name: string;
  readonly value: string;
}

/**
 * Cuts a field's text into its named parts.
 * @returns `undefined` when the text does not end where a part ends, or parts are missing that must be there
 */
export function splitParts(layout: FieldLayout, text: string): readonly FieldPart[] | undefined {
  const parts: FieldPart[] = [];
  let at = 0;
  for (const { name, length } of layout.parts) {
    if (at === text.length && layout.cut === true) break;
    if (at + length > text.length) return undefined;
    parts.push({ name, value: text.slice(at, at + length) });
    at += length;
  }
  return at === text.length ? parts : undefined;
}

/**
 * Puts named parts together, in the layout's order.
 * @throws PossumError `FORMAT` when a part is missing before one that is there, unknown, or of another length
 */
export function joinParts(layout: FieldLayout, values: Readonly<Record<string, string>>): string {
  const unknown = Object.keys(values).find((name) => !layout.parts.some((part) => part.name === name));
  if (unknown !== undefined) throw new PossumError('FORMAT', `no part is named ${unknown}`);
  let text = '';
  let ended = false;
  for (const { name, length } of layout.parts) {
    const value = values[name];
    if (value === undefined && layout.cut === true) {
      ended = true;
      continue;
    }
    if (value === undefined || ended)
      throw new PossumError('FORMAT', `a part is missing before or at ${name}`);
    if (value.length !== length) {
      throw new PossumError('FORMAT', `${name} has ${value.length} characters, ${length} are wanted`);
    }
    text += value;
  }
  return text;
}
