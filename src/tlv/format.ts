import { fromLatin1, toHex } from '../platform/bytes.ts';
import { type Tlv, tagHex } from './ber.ts';
import { describeBits, describeCid, describeTerminalType } from './bits.ts';
import { cvmConditionName, cvmMethodName, describeCvmResults, parseCvmList } from './cvm-list.ts';
import { lookupTag, type TagContext } from './dictionary.ts';
import { parseDol } from './dol.ts';

/** A data object ready to be shown: with its name, its value in words, and what lies inside. */
export interface DescribedTlv {
  /** Upper-case hex. */
  readonly tag: string;
  /** `undefined` when the dictionary does not know the tag in this context. */
  readonly name?: string;
  readonly length: number;
  /** Upper-case hex; absent for templates. */
  readonly value?: string;
  /** The value as text, where its format is a text. */
  readonly text?: string;
  /** Set bits, list entries, code values in words. */
  readonly details?: readonly string[];
  readonly children?: readonly DescribedTlv[];
}

/** Describes parsed objects with the names of `context`. */
export function describeTlv(items: readonly Tlv[], context?: TagContext): readonly DescribedTlv[] {
  return items.map((item) => describeOne(item, context));
}

function describeOne(item: Tlv, context: TagContext | undefined): DescribedTlv {
  const info = lookupTag(item.tag, context);
  const head = {
    tag: tagHex(item.tag),
    ...(info === undefined ? {} : { name: info.name }),
    length: item.value.length,
  };
  if (item.children !== undefined) return { ...head, children: describeTlv(item.children, context) };
  const text = isText(info?.format) ? printable(item.value) : undefined;
  const details = describeValue(item.tag, item.value, context);
  return {
    ...head,
    value: toHex(item.value),
    ...(text === undefined ? {} : { text }),
    ...(details === undefined || details.length === 0 ? {} : { details }),
  };
}

/** The meaning of a coded value as lines, `undefined` when the tag carries none. */
export function describeValue(
  tag: number,
  value: Uint8Array,
  context?: TagContext,
): readonly string[] | undefined {
  const bits = describeBits(tag, value);
  if (bits !== undefined) return bits.map(({ byte, bit, meaning }) => `byte ${byte} bit ${bit}: ${meaning}`);
  const info = lookupTag(tag, context);
  if (info?.format === 'dol') return describeDol(value, context);
  switch (tag) {
    case 0x8e:
      return describeCvmList(value);
    case 0x9f34:
      return [describeCvmResults(value)];
    case 0x9f27: {
      const { type, advice, reason } = describeCid(value[0] ?? 0);
      return [`${type}${advice ? ', advice required' : ''}, ${reason}`];
    }
    case 0x9f35:
      return [describeTerminalType(value[0] ?? 0)];
    default:
      return undefined;
  }
}

/** One line per entry of a DOL: tag, length, name. */
export function describeDol(value: Uint8Array, context?: TagContext): readonly string[] {
  const dol = parseDol(value);
  if (!dol.ok) return [`not a data object list: ${dol.message}`];
  return dol.value.map(({ tag, length }) => {
    const name = lookupTag(tag, context)?.name ?? 'unknown';
    return `${tagHex(tag)} ${length} ${name}`;
  });
}

/** One line per rule of a CVM list, after its amounts when they are used. */
export function describeCvmList(value: Uint8Array): readonly string[] {
  const list = parseCvmList(value);
  if (list === undefined) return ['not a CVM list'];
  const amounts =
    list.amountX === 0 && list.amountY === 0 ? [] : [`X = ${list.amountX}, Y = ${list.amountY}`];
  const rules = list.rules.map(({ method, condition, continues }) => {
    const failure = continues ? 'else next rule' : 'else fail';
    return `${cvmMethodName(method)}, ${cvmConditionName(condition)}, ${failure}`;
  });
  return [...amounts, ...rules];
}

/** An indented tree, one object a line, coded values explained below their object. */
export function formatTlv(items: readonly DescribedTlv[], indent = ''): string {
  const lines: string[] = [];
  for (const item of items) {
    const name = item.name === undefined ? '' : ` ${item.name}`;
    const value = item.value === undefined ? '' : `: ${item.value}`;
    const text = item.text === undefined ? '' : ` "${item.text}"`;
    lines.push(`${indent}${item.tag}${name} [${item.length}]${value}${text}`);
    for (const detail of item.details ?? []) lines.push(`${indent}    ${detail}`);
    if (item.children !== undefined && item.children.length > 0) {
      lines.push(formatTlv(item.children, `${indent}  `));
    }
  }
  return lines.join('\n');
}

function isText(format: string | undefined): boolean {
  return format === 'ans' || format === 'an' || format === 'a';
}

/** Control characters could move a terminal's cursor: they are shown as dots. */
function printable(value: Uint8Array): string {
  return fromLatin1(value.map((b) => (b < 0x20 || (b >= 0x7f && b < 0xa0) ? 0x2e : b)));
}
