import type { z } from 'zod';
import { PossumError } from '../../src/platform/errors.ts';
import { knownKeys, spellingHint } from '../../src/platform/spelling-hint.ts';
import { parseTcpAddress } from './address.ts';
import { type FlowControl, type LineFormat, parseFormat } from './line-settings.ts';

/** What a device is reached through. */
export type Target =
  | { readonly kind: 'serial'; readonly path: string }
  | { readonly kind: 'tcp'; readonly address: string }
  | { readonly kind: 'file'; readonly path: string }
  /** The simulator of the same driver, in this process. */
  | { readonly kind: 'sim' };

/** Keys that every driver understands; what is absent is the driver's default. */
export interface CommonOptions {
  readonly baud?: number;
  readonly format?: LineFormat;
  readonly flow?: FlowControl;
  readonly timeoutMs?: number;
  /** The simulator lets bytes take their time. */
  readonly pace?: boolean;
  /** The control socket of a simulator. */
  readonly control?: string;
}

export type DeviceSpec =
  /** A device of the terminal file. */
  | { readonly kind: 'name'; readonly name: string }
  | {
      readonly kind: 'device';
      readonly driver: string;
      readonly target: Target;
      readonly options: CommonOptions;
      /** What the driver's schema made of its own keys. */
      readonly own: unknown;
    };

/** The schema of each driver's own keys, all of whose values arrive as text. */
export type DriverSchemas = Readonly<Record<string, z.ZodType>>;

const COMMON_KEYS = ['baud', 'format', 'flow', 'timeoutMs', 'pace', 'control'] as const;
const FLOWS: readonly string[] = ['none', 'xon', 'rtscts'];

/**
 * Reads `NAME` or `DRIVER:TARGET?key=value&…`, split at the first colon and the last question mark, with
 * percent-encoded values.
 * @throws PossumError `USAGE`, with a hint when a driver or a key is misspelt
 */
export function parseDeviceSpec(text: string, drivers: DriverSchemas): DeviceSpec {
  const colon = text.indexOf(':');
  if (colon < 0) {
    if (/^[\w.-]+$/.test(text)) return { kind: 'name', name: text };
    throw wrong(text, 'is neither a name of the terminal file nor DRIVER:TARGET');
  }
  const driver = text.slice(0, colon);
  const schema = Object.hasOwn(drivers, driver) ? drivers[driver] : undefined;
  if (schema === undefined) {
    throw wrong(text, `knows no driver "${driver}"`, spellingHint(driver, Object.keys(drivers), 'drivers'));
  }
  const mark = text.lastIndexOf('?');
  const end = mark > colon ? mark : text.length;
  const values = parseValues(text, text.slice(end + 1), [...COMMON_KEYS, ...knownKeys(schema, [])]);
  const { options, rest } = takeCommon(text, values);
  const own = schema.safeParse(rest);
  if (!own.success) {
    const issue = own.error.issues[0];
    throw wrong(text, `${issue?.path.join('.') ?? 'a key'}: ${issue?.message ?? 'is wrong'}`);
  }
  return {
    kind: 'device',
    driver,
    target: parseTarget(text, text.slice(colon + 1, end)),
    options,
    own: own.data,
  };
}

function parseTarget(text: string, target: string): Target {
  if (target === 'sim') return { kind: 'sim' };
  if (target.startsWith('tcp://')) {
    parseTcpAddress(target);
    return { kind: 'tcp', address: target };
  }
  if (target.startsWith('file:') && target.length > 5) return { kind: 'file', path: target.slice(5) };
  if (/^COM\d+$/i.test(target)) return { kind: 'serial', path: target.toUpperCase() };
  if (/[/\\]/.test(target) && !target.includes('://')) return { kind: 'serial', path: target };
  const hint = /^[\w.-]+$/.test(target) ? ` Did you mean /dev/${target}?` : '';
  throw wrong(
    text,
    `has no target that is known ("${target}")`,
    `Give a device path, COMn, tcp://HOST:PORT, file:PATH or sim.${hint}`,
  );
}

function parseValues(text: string, query: string, keys: readonly string[]): Map<string, string> {
  const values = new Map<string, string>();
  for (const pair of query === '' ? [] : query.split('&')) {
    const equals = pair.indexOf('=');
    if (equals < 1) {
      const remedy =
        'Write ?key=value&key=value; a path that holds a question mark is followed by another one.';
      throw wrong(text, `has "${pair}" where key=value belongs`, remedy);
    }
    const key = pair.slice(0, equals);
    if (!keys.includes(key)) throw wrong(text, `knows no key "${key}"`, spellingHint(key, keys));
    if (values.has(key)) throw wrong(text, `gives "${key}" twice`);
    try {
      values.set(key, decodeURIComponent(pair.slice(equals + 1)));
    } catch {
      throw wrong(text, `"${key}" is not percent-encoded`, 'Write a percent sign as %25.');
    }
  }
  return values;
}

function takeCommon(
  text: string,
  values: ReadonlyMap<string, string>,
): { options: CommonOptions; rest: Record<string, string> } {
  const rest = new Map(values);
  const take = <T>(
    key: (typeof COMMON_KEYS)[number],
    read: (value: string) => T | undefined,
    what: string,
  ) => {
    const value = rest.get(key);
    rest.delete(key);
    if (value === undefined) return {};
    const meaning = read(value);
    if (meaning === undefined) throw wrong(text, `"${key}" is not ${what}`);
    return { [key]: meaning };
  };
  const options: CommonOptions = {
    ...take('baud', (value) => wholeNumber(value, 50, 4_000_000), 'a speed from 50 to 4000000'),
    ...take('format', parseFormat, 'a format such as 8N1 or 7E1'),
    ...take('flow', (value) => (FLOWS.includes(value) ? value : undefined), 'none, xon or rtscts'),
    ...take('timeoutMs', (value) => wholeNumber(value, 1, 600_000), 'from 1 to 600000'),
    ...take('pace', yesOrNo, 'true or false'),
    ...take('control', (value) => (value === '' ? undefined : value), 'a path'),
  };
  return { options, rest: Object.fromEntries(rest) };
}

function wholeNumber(text: string, least: number, most: number): number | undefined {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : undefined;
}

function yesOrNo(text: string): boolean | undefined {
  return text === 'true' || (text === 'false' ? false : undefined);
}

function wrong(where: string, message: string, remedy?: string): PossumError {
  return new PossumError('USAGE', message, {
    where,
    remedy: remedy ?? 'Write for instance pn532:/dev/ttyUSB0?baud=115200.',
  });
}
