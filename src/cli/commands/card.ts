import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type CardFile, cardPath, loadCard } from '../../app.ts';
import { toHex } from '../../platform/bytes.ts';
import { EXIT, PossumError } from '../../platform/errors.ts';
import { fixturePath } from '../../platform/fixtures.ts';
import { maskPan } from '../../platform/secret.ts';
import { printJson, printText, table } from '../output.ts';
import { command, runCommand } from '../program.ts';

interface Options {
  readonly cards?: string;
  readonly json?: boolean;
}

/** `possum card list|show` */
export async function main(argv: readonly string[]): Promise<number> {
  const program = command({
    name: 'card',
    summary: 'Lists and shows card files. Card numbers are masked, keys are never shown.',
    examples: ['possum card list', 'possum card show visa-credit'],
  });
  program
    .command('list')
    .description('the shipped cards, or those of a folder')
    .option('--cards <folder>', 'folder of card files')
    .option('--json', 'print JSON')
    .action(list);
  program
    .command('show')
    .description('one card')
    .argument('<card>', 'name of a shipped card, or a file')
    .option('--json', 'print JSON')
    .action(show);
  return runCommand(program, argv, () => EXIT.done);
}

function list(options: Options): void {
  const folder = options.cards ?? fixturePath('cards');
  const cards = namesIn(folder)
    .filter((name) => /\.ya?ml$/.test(name))
    .sort()
    .map((name) => summary(name.replace(/\.ya?ml$/, ''), loadCard(join(folder, name))));
  if (options.json === true) printJson(cards);
  else
    printText(
      table(
        ['Card', 'Kind', 'Scheme', 'Interfaces', 'Proves'],
        cards.map((c) => [c.name, c.kind, c.scheme, c.interfaces.join(' '), c.proves]),
      ),
    );
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    throw new PossumError('USAGE', 'is no folder that can be read', {
      where: folder,
      remedy: 'Check the path of --cards.',
      cause,
    });
  }
}

function show(name: string, options: Options): void {
  const path = cardPath(name);
  const file = loadCard(path);
  const shown = {
    ...summary(basename(path).replace(/\.ya?ml$/, ''), file),
    applications: applicationsOf(file),
  };
  if (options.json === true) {
    printJson(shown);
    return;
  }
  const rows = [
    ['Card', shown.name],
    ['Kind', shown.kind],
    ['Scheme', shown.scheme],
    ['PAN', shown.pan],
    ['Interfaces', shown.interfaces.join(', ')],
    ['Description', shown.description],
    ['Proves', shown.proves],
  ]
    .filter(([, value]) => value !== '')
    .map(([label, value]) => `${String(label).padEnd(13)}${value}`);
  const applications = shown.applications.map(
    (a) => `${a.interface.padEnd(13)}${a.aid}  ${a.label}  AIP ${a.aip}${a.blocked ? '  blocked' : ''}`,
  );
  printText([...rows, ...applications].join('\n'));
}

function summary(name: string, file: CardFile) {
  return {
    name,
    kind: file.kind,
    scheme: file.scheme ?? '',
    pan: file.kind === 'icc' ? maskPan(file.pan) : '',
    interfaces: interfacesOf(file),
    description: file.description ?? '',
    proves: file.proves ?? '',
  };
}

function interfacesOf(file: CardFile): string[] {
  if (file.kind === 'replay') return [file.interface];
  if (file.kind === 'magstripe') return ['stripe'];
  return [
    ...(file.contact === undefined ? [] : ['contact']),
    ...(file.contactless === undefined ? [] : ['contactless']),
    ...(file.stripe === undefined ? [] : ['stripe']),
  ];
}

function applicationsOf(file: CardFile) {
  if (file.kind !== 'icc') return [];
  return (['contact', 'contactless'] as const).flatMap((side) =>
    (file[side]?.applications ?? []).map((application) => ({
      interface: side,
      aid: toHex(application.aid),
      label: application.label,
      aip: toHex(application.aip),
      blocked: application.blocked || file.cardBlocked,
    })),
  );
}
