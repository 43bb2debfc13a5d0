import { toHex } from '../platform/bytes.ts';
import { maskPan } from '../platform/secret.ts';
import { type FieldPart, splitParts } from './layout.ts';
import type { IsoMessage } from './message.ts';
import type { MessageSpec } from './spec.ts';

/** One field as people read it. */
export interface FieldRow {
  readonly field: number;
  readonly name: string;
  /** e.g. `n 6`, `z ..37` */
  readonly format: string;
  /** Text, or hex of bytes; card data is masked unless asked for in clear. */
  readonly value: string;
  readonly parts?: readonly FieldPart[];
}

const PAN_FIELD = 2;
const TRACK_FIELDS: readonly number[] = [35, 36, 45];
const PIN_BLOCK_FIELD = 52;

/**
 * The fields of a message in their order.
 * @param options `clear: true` shows card numbers, tracks and PIN blocks as they are
 */
export function describeMessage(
  message: IsoMessage,
  spec: MessageSpec,
  options: { readonly clear?: boolean } = {},
): readonly FieldRow[] {
  const rows: FieldRow[] = [];
  message.fields.forEach((value, field) => {
    if (value === undefined) return;
    const row = spec.fields[field];
    const clear = typeof value === 'string' ? value : toHex(value);
    const parts = typeof value === 'string' ? partsOf(row?.layouts, value) : undefined;
    rows.push({
      field,
      name: row?.name ?? 'unknown',
      format:
        row === undefined
          ? '?'
          : row.length !== undefined
            ? `${row.format} ${row.length}`
            : `${row.format} ..${row.max}`,
      value: options.clear === true ? clear : masked(field, clear),
      ...(parts === undefined ? {} : { parts }),
    });
  });
  return rows;
}

/** Field values for the trace, which does its own masking: text as it is, bytes in hex. */
export function traceFields(message: IsoMessage): Record<number, string> {
  const fields: Record<number, string> = {};
  message.fields.forEach((value, field) => {
    if (value !== undefined) fields[field] = typeof value === 'string' ? value : toHex(value);
  });
  return fields;
}

function partsOf(
  layouts: MessageSpec['fields'][string]['layouts'],
  value: string,
): readonly FieldPart[] | undefined {
  for (const layout of Object.values(layouts ?? {})) {
    const parts = splitParts(layout, value);
    if (parts !== undefined) return parts;
  }
  return undefined;
}

function masked(field: number, clear: string): string {
  if (field === PAN_FIELD) return maskPan(clear);
  if (field === PIN_BLOCK_FIELD) return '*'.repeat(clear.length);
  if (!TRACK_FIELDS.includes(field)) return clear;
  const pan = /\d{8,19}/.exec(clear);
  if (pan === null) return '*'.repeat(clear.length);
  const end = pan.index + pan[0].length;
  return clear.slice(0, pan.index) + maskPan(pan[0]) + clear.slice(end).replace(/[^=^]/g, '*');
}
