import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { toHex } from '../../platform/bytes.ts';
import { EXIT, type ExitCode, PossumError } from '../../platform/errors.ts';
import { testKbpks } from '../../secure/test-keys.ts';
import { addDataOptions, type DataOptions, resolveData } from '../data-folder.ts';
import { type GenerateOptions, generateKey } from '../keys/generate.ts';
import { type InjectOptions, injectInitialKey } from '../keys/inject.ts';
import { ALGORITHM_NAMES } from '../keys/kind.ts';
import { type LoadOptions, loadKey } from '../keys/load.ts';
import { exportCheckValues, listKeys } from '../keys/show.ts';
import { withVault } from '../keys/vault.ts';
import { printJson, printText } from '../output.ts';
import { type Command, command, runCommand } from '../program.ts';

const FLAG = '--i-know-these-are-test-keys';
const FLAG_HELP = 'take keys that nobody published; every record will show it';

/** `possum keys list|load|inject|generate|tamper|export-kcv` */
export async function main(argv: readonly string[]): Promise<number> {
  let code: number = EXIT.done;
  const program = command({
    name: 'keys',
    summary: 'Loads, lists and destroys the keys of a data folder’s secure module. Test keys only.',
    examples: [
      'possum keys generate --usage P0 --algorithm aes-128',
      'possum keys load --block pin-key.txt --data .possum/demo',
      'possum keys list --data .possum/demo',
    ],
  });
  addLoad(program, (result) => {
    code = result;
  });
  addInject(program);
  addGenerate(program);
  sub(program, 'list', 'every key with what may be shown of it', 'list --data .possum/demo --json').action(
    listKeys,
  );
  sub(program, 'export-kcv', 'check values, made from the keys themselves', 'export-kcv --slot pin-key')
    .option('--slot <name>', 'only this slot')
    .action(async (options: DataOptions & { slot?: string }) => {
      code = await exportCheckValues(options);
    });
  sub(program, 'tamper', 'destroy every key, as if the case was opened', 'tamper --data .possum/demo')
    .option('--reason <text>', 'what is said to have happened', 'the command line asked for it')
    .action(tamper);
  return runCommand(program, argv, () => code);
}

function addLoad(program: Command, end: (code: ExitCode) => void): void {
  sub(
    program,
    'load',
    'a key block into a slot, a key in components of two or three holders, or working keys',
    'load --block pin-key.txt',
    'load --usage K0 --algorithm tdes --component alice.txt --component bob.txt --kcv D2B91C',
  )
    .option('--block <file>', 'key block (TR-31, X9.143); - for standard input')
    .option(
      '--component <file>',
      'form of one holder: lines `holder:`, `component:`, `kcv:`; once for each. Without files the holders are asked',
      (file: string, before: string[] = []) => [...before, file],
    )
    .option('--slot <name>', 'slot to fill (named by the usage when absent)')
    .option('--working <file>', 'working keys under the master key: field 62 of a cup sign-on answer, in hex')
    .option('--under <slot>', 'slot of the KBPK (the public test KBPKs when absent), or of the master key')
    .option('--usage <code>', 'X9.143 usage of a key in components, e.g. K0, P0, M3')
    .option('--algorithm <name>', `algorithm of a key in components: ${ALGORITHM_NAMES.join(', ')}`)
    .option('--mode <letter>', 'X9.143 mode of use of a key in components')
    .option('--export <letter>', 'exportability of a key in components: E, N or S')
    .option('--kcv <hex>', 'check value of the whole key in components')
    .option(FLAG, FLAG_HELP)
    .action(async (options: LoadOptions) => end(await loadKey(options)));
}

function addInject(program: Command): void {
  sub(
    program,
    'inject',
    'the DUKPT initial key (TDES or AES)',
    'inject --initial-key 6AC292FAA1315B4D858AB3A3D7D5933A --ksn FFFF9876543210E00000',
    'inject --block initial-key.txt --fresh',
  )
    .option('--initial-key <hex>', 'clear key: a published test value, @FILE, or - for standard input')
    .option('--ksn <hex>', 'its KSN: 10 bytes for TDES, 12 for AES')
    .option('--block <file>', 'key block of usage B1, which may carry the KSN; - for standard input')
    .option('--under <slot>', 'slot of the KBPK (the public test KBPKs when absent)')
    .option('--fresh', 'empty the data folder first: the terminal starts anew')
    .option(FLAG, FLAG_HELP)
    .action((options: InjectOptions) => injectInitialKey(options));
}

function addGenerate(program: Command): void {
  sub(
    program,
    'generate',
    'a random key as a block under the public test KBPK (TR-31:2018, annex A.7)',
    'generate --usage P0 --algorithm tdes-128',
    'generate --usage B1 --algorithm tdes-128 --ksn FFFF9876543210E00000',
  )
    .requiredOption('--usage <code>', 'X9.143 usage, e.g. P0, M3, D0, K0, B1')
    .requiredOption('--algorithm <name>', ALGORITHM_NAMES.join(', '))
    .option('--mode <letter>', 'X9.143 mode of use (the usual one of the usage when absent)')
    .option('--export <letter>', 'exportability: E, N or S (E when absent)')
    .option('--ksn <hex>', 'KSN of an initial key (usage B1)')
    .option('--slot <name>', 'also load it into this slot of the data folder')
    .option('--reveal', 'show the key in the clear')
    .addHelpText('after', `\nPublic test KBPK, for blocks made elsewhere:\n${kbpkLines()}`)
    .action((options: GenerateOptions) => generateKey(options));
}

function sub(program: Command, name: string, description: string, ...examples: readonly string[]): Command {
  const text = examples.map((example) => `  possum keys ${example}`).join('\n');
  return addDataOptions(program.command(name).description(description)).addHelpText(
    'after',
    `\nExample${examples.length > 1 ? 's' : ''}:\n${text}`,
  );
}

function kbpkLines(): string {
  const line = (versions: string, version: 'B' | 'D') =>
    `  ${versions.padEnd(20)}${toHex(testKbpks(version)[0] as Uint8Array)}`;
  return [line('versions A, B and C', 'B'), line('versions D and E', 'D')].join('\n');
}

async function tamper(options: DataOptions & { readonly reason: string }): Promise<void> {
  const { folder } = resolveData(options);
  if (!existsSync(join(folder, 'terminal.db'))) {
    throw new PossumError('STORAGE', 'no terminal has worked in this folder yet', {
      where: folder,
      remedy: 'Name another folder with --data.',
    });
  }
  await withVault(options, (secure) => {
    secure.tamper(options.reason);
    if (options.json === true) printJson({ status: secure.status(), tampering: secure.tampering() });
    else {
      printText(
        'Every key is erased. The terminal is out of service; `possum keys inject --fresh` starts anew.',
      );
    }
  });
}
