import { TAG_ROWS, type TagContext, type TagFormat, type TagSource } from './tags.table.ts';

export type { TagContext, TagFormat, TagSource } from './tags.table.ts';

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
