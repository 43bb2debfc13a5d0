import { encodeTlv, findTlv, parseTlv, type Tlv } from '../tlv/ber.ts';
import type { CardSession } from './apdu.ts';
import { swText } from './kernel.ts';
import { TAG } from './tags.ts';
import type { OnlineAnswer } from './transaction.ts';

/** Issuer-to-card scripts, whatever the interface (Book 3, section 10.10). */

/** High nibble of the first byte of a script result (Book 4, annex A5). */
const RESULT = { notPerformed: 0x00, failed: 0x10, successful: 0x20 } as const;

/** The issuer's script templates of one kind, with tag and length, in the order in which they came. */
export function scriptsOf(answer: OnlineAnswer | undefined, template: 0x71 | 0x72): readonly Uint8Array[] {
  if (answer?.kind !== 'answered') return [];
  const given = (answer.scripts ?? []).filter((script) => script[0] === template);
  const inTags = answer.tags.get(template);
  return inTags === undefined ? given : [...given, encodeTlv(template, inTags)];
}

/** What one script came to: five bytes, and why it stopped when it did. */
export interface ScriptResult {
  /** Result and number of the failing command, then the script's identifier. */
  readonly bytes: Uint8Array;
  readonly successful: boolean;
  readonly problem?: string;
}

interface Script {
  readonly identifier: Uint8Array | undefined;
  /** Empty when the script is malformed. */
  readonly commands: readonly Tlv[];
}

function readScript(script: Uint8Array): Script {
  const parsed = parseTlv(script);
  const items: readonly Tlv[] = parsed.ok ? (parsed.items[0]?.children ?? []) : [];
  const identifier = findTlv(items, TAG.scriptIdentifier)?.value;
  const commands = items.filter((item) => item.tag === TAG.scriptCommand);
  return { identifier, commands: commands.some(({ value }) => value.length < 4) ? [] : commands };
}

function resultOf({ identifier }: Script, first: number, problem?: string): ScriptResult {
  const bytes = new Uint8Array(5);
  bytes[0] = first;
  if (identifier?.length === 4) bytes.set(identifier, 1);
  const successful = first === RESULT.successful;
  return { bytes, successful, ...(problem === undefined ? {} : { problem }) };
}

/** The result of a script that never reached the card. */
export function scriptNotPerformed(script: Uint8Array): ScriptResult {
  return resultOf(readScript(script), RESULT.notPerformed, 'not performed');
}

/** Sends the commands of one script; the first that fails ends it. A warning (62xx, 63xx) is no failure. */
export async function runScript(card: CardSession, script: Uint8Array): Promise<ScriptResult> {
  const read = readScript(script);
  if (read.commands.length === 0) return resultOf(read, RESULT.notPerformed, 'malformed');
  for (const [index, command] of read.commands.entries()) {
    const answer = await card.send(command.value);
    const sw1 = answer.kind === 'answer' ? answer.sw >> 8 : 0;
    if (sw1 === 0x90 || sw1 === 0x62 || sw1 === 0x63) continue;
    const what = answer.kind === 'answer' ? swText(answer.sw) : `no answer (${answer.fault})`;
    return resultOf(read, RESULT.failed | Math.min(index + 1, 0x0f), `command ${index + 1} gave ${what}`);
  }
  return resultOf(read, RESULT.successful);
}
