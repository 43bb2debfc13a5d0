import { TAG_ROWS } from './tags.table.ts';

/** Whose meaning of a tag: EMV Books 1 to 4, Books A and B, one contactless kernel, or card personalisation. */
export type TagContext =
  | 'common'
  | 'contactless'
  | 'C-2'
  | 'C-3'
  | 'C-4'
  | 'C-5'
  | 'C-6'
  | 'C-7'
  | 'C-8'
  | 'visa'
  | 'cpa';

export type TagSource = 'card' | 'terminal' | 'kernel' | 'issuer';

/** EMV Book 3, section 4.3; `var` where it depends on another object. */
export type TagFormat = 'a' | 'an' | 'ans' | 'b' | 'cn' | 'n' | 'dol' | 'taglist' | 'constructed' | 'var';

export type TagRow = readonly [
  tag: number,
  context: TagContext,
  name: string,
  source: TagSource,
  format: TagFormat,
  min: number | null,
  max: number | null,
];

export interface TagInfo {
  readonly tag: number;
  readonly context: TagContext;
  readonly name: string;
  readonly source: TagSource;
  readonly format: TagFormat;
  /** Shortest and longest value in bytes; `undefined` when variable. */
  readonly min: number | undefined;
  readonly max: number | undefined;
}

let index: Map<number, TagInfo[]> | undefined;

function rowsOf(tag: number): readonly TagInfo[] {
  if (index === undefined) {
    index = new Map();
    for (const [tagOfRow, context, name, source, format, min, max] of TAG_ROWS) {
      const info = {
        tag: tagOfRow,
        context,
        name,
        source,
        format,
        min: min ?? undefined,
        max: max ?? undefined,
      };
      const known = index.get(tagOfRow);
      if (known === undefined) index.set(tagOfRow, [info]);
      else known.push(info);
    }
  }
  return index.get(tag) ?? [];
}

/**
 * What a tag means in a context. Without an entry there, the common meaning counts, then that of Books A and B.
 * Meanings of other kernels are never taken: the same tag may mean something else there.
 */
export function lookupTag(tag: number, context: TagContext = 'common'): TagInfo | undefined {
  let common: TagInfo | undefined;
  let contactless: TagInfo | undefined;
  for (const row of rowsOf(tag)) {
    if (row.context === context) return row;
    if (row.context === 'common') common = row;
    else if (row.context === 'contactless') contactless = row;
  }
  return common ?? contactless;
}

/** Every meaning of a tag, in the order of the table. */
export function meaningsOf(tag: number): readonly TagInfo[] {
  return rowsOf(tag);
}
