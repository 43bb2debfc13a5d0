import { EXIT } from '../../platform/errors.ts';
import { DECODERS, type Decoded } from '../decode/decoders.ts';
import { decodeIso8583 } from '../decode/iso8583.ts';
import { argumentOrStdin } from '../input.ts';
import { printJson, printText } from '../output.ts';
import { command, runCommand } from '../program.ts';

interface Options {
  readonly json?: boolean;
  readonly reveal?: boolean;
  readonly profile?: string;
}

/** `possum decode TOPIC [DATA]` */
export async function main(argv: readonly string[]): Promise<number> {
  const program = command({
    name: 'decode',
    summary:
      'Explains data of cards and hosts, given in hex as argument or on standard input. Card numbers are masked.',
    examples: [
      'possum decode tvr 0000048000',
      'echo 9F3704 | possum decode dol',
      'possum decode iso8583 --profile nac 0032600003…',
    ],
  });
  for (const [topic, { about, decode }] of Object.entries(DECODERS)) {
    program
      .command(topic)
      .description(about)
      .argument('[data]', 'hex (or text of a track); standard input when absent')
      .option('--json', 'print JSON')
      .option('--reveal', 'show card numbers, tracks and PIN data in the clear')
      .action(async (data: string | undefined, options: Options) =>
        print(decode(await argumentOrStdin(data, topic), { reveal: options.reveal === true }), options),
      );
  }
  program
    .command('iso8583')
    .description('a message, with or without TPDU and length')
    .argument('[data]', 'hex; standard input when absent')
    .option('--profile <name>', 'nac, cup, ascii87, or a profile file', 'nac')
    .option('--json', 'print JSON')
    .option('--reveal', 'show card numbers, tracks and PIN blocks in the clear')
    .action(async (data: string | undefined, options: Options) => {
      const message = await argumentOrStdin(data, 'a message');
      print(decodeIso8583(message, options.profile ?? 'nac', options.reveal === true), options);
    });
  return runCommand(program, argv, () => EXIT.done);
}

function print(decoded: Decoded, options: Options): void {
  if (options.json === true) printJson(decoded.json);
  else printText(decoded.text);
}
