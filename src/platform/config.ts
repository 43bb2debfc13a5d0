import { readFileSync } from 'node:fs';
import { type Document, isNode, LineCounter, parseDocument, visit } from 'yaml';
import * as z from 'zod';
import { checkedAtBuild } from './checked-at-build.ts';
import { PossumError } from './errors.ts';
import { knownKeys, spellingHint } from './spelling-hint.ts';

// Most schemas are used once in a process: compiling a checker for them costs more than it saves.
z.config({ jitless: true });

/**
 * Reads a YAML (or JSON) file and checks it against a schema.
 * @param schema makes a strict object schema: unknown keys are errors
 * @param kind names the schema where the build keeps what it made of the shipped files
 * @throws PossumError `CONFIG` that names file, line, column and field, with a hint for a misspelt key
 */
export function loadConfig<T>(path: string, schema: () => z.ZodType<T>, kind?: string): T {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new PossumError('CONFIG', 'cannot be read', { where: path, remedy: reasonOf(cause), cause });
  }
  return parseConfig(text, path, schema, kind);
}

/** {@link loadConfig} for a text that is already there; `name` stands for the file in errors. */
export function parseConfig<T>(text: string, name: string, schema: () => z.ZodType<T>, kind?: string): T {
  const known = kind === undefined ? undefined : checkedAtBuild(text, kind);
  if (known !== undefined) return known as T;
  const json = name.endsWith('.json') ? schema().safeParse(jsonValue(text)) : undefined;
  if (json?.success) return json.data;
  const { document, value, place } = readYaml(text, name);
  const result = schema().safeParse(value);
  if (result.success) return result.data;
  throw describeIssue(deepestIssue(firstIssue(result.error.issues)), schema(), document, place);
}

/** JSON has no comments or aliases to care for: the built-in parser saves most of the time of a long file. */
function jsonValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser of YAML says what is wrong and where.
    return undefined;
  }
}

/** A YAML text, its plain value, and the file, line and column of an offset in it. */
interface ReadYaml {
  readonly document: Document;
  readonly value: unknown;
  readonly place: (offset: number) => string;
}

/** Reads YAML as {@link parseConfig} does. @throws PossumError `CONFIG` */
export function readYaml(text: string, name: string): ReadYaml {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    maxAliasCount: 0,
    prettyErrors: false,
  } as never);
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  const broken = document.errors[0];
  if (broken !== undefined) {
    throw new PossumError('CONFIG', `not valid YAML: ${broken.message}`, { where: place(broken.pos[0]) });
  }
  keepWrittenDigits(document);
  try {
    return { document, place, value: document.toJS({ maxAliasCount: 0 }) };
  } catch (cause) {
    throw new PossumError('CONFIG', 'aliases are not supported', { where: `${name}:1:1`, cause });
  }
}

/**
 * Hex and amounts are often written without quotes. A number that would not print as it was written (`0826`,
 * `10.00`, `1E10`, twenty digits) stays text, so that nothing of it is lost.
 */
function keepWrittenDigits(document: Document): void {
  visit(document, {
    Scalar(_, node) {
      if (typeof node.value === 'number' && node.source !== undefined && String(node.value) !== node.source) {
        node.value = node.source;
      }
    },
  });
}

interface FlatIssue {
  readonly path: PropertyKey[];
  readonly message: string;
  readonly unknownKey?: string;
}

/** A misspelt key is why another one is missing: it is told first. */
function firstIssue(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue {
  return issues.find(({ code }) => code === 'unrecognized_keys') ?? (issues[0] as z.core.$ZodIssue);
}

/** Of a union's alternatives, the one that got furthest tells the reader most. */
function deepestIssue(issue: z.core.$ZodIssue, prefix: PropertyKey[] = []): FlatIssue {
  const path = [...prefix, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] as string;
    return { path: [...path, key], message: `unknown key "${key}"`, unknownKey: key };
  }
  if (issue.code === 'invalid_union') {
    const inner = issue.errors.map((issues) => deepestIssue(firstIssue(issues), path));
    const deepest = inner.sort((a, b) => b.path.length - a.path.length)[0];
    if (deepest !== undefined && deepest.path.length > path.length) return deepest;
    return { path, message: alternatives(inner.map(({ message }) => message)) ?? issue.message };
  }
  return { path, message: issue.message };
}

/** `expected true or object` of what each alternative of a union expects. */
function alternatives(messages: readonly string[]): string | undefined {
  const expected = messages.map((message) => /^Invalid \w+: expected ([^,]+)/.exec(message)?.[1]);
  return expected.length === 0 || expected.includes(undefined)
    ? undefined
    : `Invalid input: expected ${[...new Set(expected)].join(' or ')}`;
}

function describeIssue(
  issue: FlatIssue,
  schema: z.ZodType,
  document: Document,
  place: (offset: number) => string,
): PossumError {
  const node = issue.unknownKey === undefined ? nodeAt(document, issue.path) : keyNode(document, issue.path);
  const offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  const field = issue.path.map(String).join('.');
  const { message, remedy } = wordsFor(issue, schema, document);
  return new PossumError('CONFIG', field === '' ? message : `${field}: ${message}`, {
    where: place(offset),
    remedy,
  });
}

function wordsFor(
  { path, message, unknownKey }: FlatIssue,
  schema: z.ZodType,
  document: Document,
): { readonly message: string; readonly remedy: string } {
  if (unknownKey !== undefined)
    return { message, remedy: spellingHint(unknownKey, knownKeys(schema, path.slice(0, -1))) };
  if (path.length > 0 && !document.hasIn(path)) return { message: 'is missing', remedy: 'Add it.' };
  if (path.length === 0 && document.contents === null)
    return { message: 'the file is empty', remedy: 'The files in emv-fixtures are examples.' };
  return { message, remedy: 'Correct the value.' };
}

/** The node at a path, or its closest parent that exists. */
function nodeAt(document: Document, path: readonly PropertyKey[]): unknown {
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (isNode(node)) return node;
  }
  return undefined;
}

function keyNode(document: Document, path: readonly PropertyKey[]): unknown {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const items = (parent as { items?: { key?: unknown }[] } | undefined)?.items ?? [];
  const key = path.at(-1);
  return (
    items.find((pair) => String((pair.key as { value?: unknown } | undefined)?.value) === key)?.key ?? parent
  );
}

function reasonOf(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'ENOENT') return 'No such file; check the path.';
  if (code === 'EACCES') return 'Permission denied; check who owns it.';
  if (code === 'EISDIR') return 'It is a folder; name a file in it.';
  return 'Check that it is a readable file.';
}
