import { once } from 'node:events';
import { isPossumError, PossumError } from '../../platform/errors.ts';
import { LineSplitter } from './lines.ts';
import { calculate } from './topics.ts';

/** A mebibyte: a hundred times the longest key block. */
const LINE_LIMIT = 1024 * 1024;

const utf8 = new TextDecoder('utf-8', { fatal: true });

type Id = string | number | boolean | null;

/**
 * Answers requests from standard input on standard output, a line for a line and in their order, until the input
 * ends. Waits while the reader of the answers is behind.
 * @throws PossumError `USAGE` when standard input cannot be read
 */
export async function serveRequests(): Promise<void> {
  const splitter = new LineSplitter(LINE_LIMIT);
  for await (const chunk of standardInput()) await write(splitter.push(chunk).map(answerTo));
  await write(splitter.end().map(answerTo));
}

async function* standardInput(): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of process.stdin) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
  } catch (cause) {
    throw new PossumError('USAGE', 'cannot be read', { where: 'standard input', cause });
  }
}

async function write(answers: readonly string[]): Promise<void> {
  if (answers.length === 0) return;
  if (!process.stdout.write(`${answers.join('\n')}\n`)) await once(process.stdout, 'drain');
}

/** The answer to one line, whatever it holds; `undefined` stands for a line over the limit. */
function answerTo(line: Uint8Array | undefined): string {
  let id: Id = null;
  try {
    const request = parse(line);
    id = idOf(request);
    return JSON.stringify({ id, ...calculate(nameOf(request, 'topic'), nameOf(request, 'op'), request) });
  } catch (cause) {
    return JSON.stringify({ id, error: errorOf(cause) });
  }
}

function parse(line: Uint8Array | undefined): Readonly<Record<string, unknown>> {
  if (line === undefined) throw new PossumError('FORMAT', `the line is longer than ${LINE_LIMIT} bytes`);
  let request: unknown;
  try {
    request = JSON.parse(utf8.decode(line));
  } catch (cause) {
    throw new PossumError('FORMAT', 'the line is not JSON in UTF-8', { cause });
  }
  if (typeof request !== 'object' || request === null || Array.isArray(request)) {
    throw new PossumError('FORMAT', 'the line is no JSON object');
  }
  return request as Readonly<Record<string, unknown>>;
}

function idOf(request: Readonly<Record<string, unknown>>): Id {
  const id = Object.hasOwn(request, 'id') ? request.id : null;
  // Only what is written back as it came; a structure may be too deep to write.
  if (id === null || typeof id !== 'object') return (id ?? null) as Id;
  throw new PossumError('FORMAT', 'is neither text nor number', { where: 'id' });
}

function nameOf(request: Readonly<Record<string, unknown>>, field: 'topic' | 'op'): string {
  const name = Object.hasOwn(request, field) ? request[field] : undefined;
  if (typeof name === 'string') return name;
  throw new PossumError('FORMAT', name === undefined ? 'is missing' : 'is no text', { where: field });
}

interface Refusal {
  readonly code: string;
  readonly message: string;
  /** What it is about: a field, or a step of a certificate chain. */
  readonly where?: string;
}

function errorOf(cause: unknown): Refusal {
  if (!isPossumError(cause)) {
    return { code: 'INTERNAL', message: cause instanceof Error ? cause.message : String(cause) };
  }
  const { code, message, where } = cause;
  return where === undefined ? { code, message } : { code, message: `${where} ${message}`, where };
}
