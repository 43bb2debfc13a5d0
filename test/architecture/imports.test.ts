import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');

const FIRMWARE = ['ports', 'crypto', 'tlv', 'iso8583', 'emv', 'secure', 'journal', 'acquirer', 'terminal'];

/** Which part may import which, besides itself and platform. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  platform: [],
  crypto: [],
  tlv: [],
  ports: ['tlv'],
  iso8583: ['tlv'],
  emv: ['ports', 'crypto', 'tlv'],
  secure: ['ports', 'crypto', 'tlv'],
  journal: ['ports'],
  acquirer: ['ports', 'tlv', 'iso8583', 'journal', 'secure'],
  terminal: ['ports', 'tlv', 'emv', 'secure', 'journal', 'acquirer'],
  host: ['ports', 'iso8583', 'crypto', 'tlv'],
  devices: ['ports', 'crypto', 'tlv'],
  app: [...FIRMWARE, 'host', 'devices'],
  scenario: ['app', 'terminal', 'host', 'ports', 'tlv'],
  tui: ['app', 'terminal', 'host', 'ports', 'tlv'],
  cli: [...FIRMWARE, 'host', 'app', 'scenario', 'tui'],
  index: [...FIRMWARE, 'host', 'app', 'scenario'],
};

/** The one file (or folder) that may import a heavy library. */
const ONE_IMPORTER: Readonly<Record<string, RegExp>> = {
  'better-sqlite3': /^src\/platform\/sqlite\.ts$/,
  yaml: /^src\/platform\/config\.ts$/,
  commander: /^src\/cli\/program\.ts$/,
  serialport: /^devices\/transport\/serial\.ts$/,
  blessed: /^src\/tui\/blessed\.ts$/,
  'node-forge': /^$/,
  iso_8583: /^$/,
};

interface Source {
  readonly file: string;
  readonly part: string;
  readonly imports: readonly string[];
}

const sources: readonly Source[] = ['src', 'devices'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readSource(join(folder, name).replaceAll('\\', '/'))),
);

function readSource(file: string): Source {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const imports = [...text.matchAll(/(?:\bfrom|\bimport\(|^import)\s*'([^']+)'/gm)].map(
    (match) => match[1] as string,
  );
  return { file, part: partOf(file), imports };
}

function partOf(file: string): string {
  const [top, second = ''] = file.split('/');
  if (top === 'devices') return 'devices';
  return second.replace(/\.ts$/, '');
}

function target(source: Source, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  return relative(ROOT, resolve(ROOT, dirname(source.file), specifier)).replaceAll('\\', '/');
}

describe('the house', () => {
  it('knows every part', () => {
    const unknown = sources.filter(({ part }) => MAY_IMPORT[part] === undefined).map(({ file }) => file);
    expect(unknown).toEqual([]);
  });

  it('imports only in the directions of the design', () => {
    const wrong = sources.flatMap((source) =>
      source.imports
        .map((specifier) => target(source, specifier))
        .filter((file) => file !== undefined)
        .filter((file) => {
          const part = partOf(file);
          return part !== source.part && part !== 'platform' && !MAY_IMPORT[source.part]?.includes(part);
        })
        .map((file) => `${source.file} imports ${file}`),
    );
    expect(wrong).toEqual([]);
  });

  it('gives each heavy library one importer', () => {
    const wrong = sources.flatMap(({ file, imports }) =>
      imports
        .filter((specifier) => ONE_IMPORTER[specifier] !== undefined && !ONE_IMPORTER[specifier]?.test(file))
        .map((specifier) => `${file} imports ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  it('has no import cycles', () => {
    const graph = new Map(
      sources.map((source) => [
        source.file,
        source.imports.map((s) => target(source, s)).filter((f) => f !== undefined),
      ]),
    );
    const cycles: string[] = [];
    const done = new Set<string>();
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
      if (done.has(file) || path.includes(file)) return;
      for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
      done.add(file);
    };
    for (const file of graph.keys()) visit(file, []);
    expect(cycles).toEqual([]);
  });

  it('takes time, randomness, environment and console from platform, cli and tui only', () => {
    const forbidden =
      /Date\.now\(|new Date\(\)|Math\.random\(|setTimeout\(|setInterval\(|process\.env|console\./;
    const wrong = sources
      .filter(({ part }) => !['platform', 'cli', 'tui'].includes(part))
      .filter(({ file }) => forbidden.test(readFileSync(join(ROOT, file), 'utf8')))
      .map(({ file }) => file);
    expect(wrong).toEqual([]);
  });
});
