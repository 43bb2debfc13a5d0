import { toHex } from '../../src/platform/bytes.ts';
import type { CardFace } from './card.ts';
import type { ReplayFile } from './schema.ts';

type Exchange = ReplayFile['exchanges'][number];

/**
 * A card that answers from a recording. The next unanswered exchange in order answers when it matches, else the
 * first matching `any`, else `unmatched`; only `optional` exchanges are passed over. Power-up starts anew.
 */
export function createReplayFace(file: ReplayFile): CardFace {
  const ordered = file.exchanges.filter((exchange) => !exchange.any);
  const always = file.exchanges.filter((exchange) => exchange.any);
  let next = 0;

  const inOrder = (command: string): Exchange | undefined => {
    for (let i = next; i < ordered.length; i++) {
      const exchange = ordered[i] as Exchange;
      if (matches(exchange.command, command)) {
        next = i + 1;
        return exchange;
      }
      if (!exchange.optional) return undefined;
    }
    return undefined;
  };

  return {
    interface: file.interface,
    answerToReset: file.atr ?? file.ats ?? new Uint8Array(0),
    reset: () => {
      next = 0;
    },
    respond(command) {
      const text = toHex(command);
      const exchange = inOrder(text) ?? always.find((candidate) => matches(candidate.command, text));
      if (exchange !== undefined) return exchange.response.slice();
      return file.unmatched === 'fail' ? new Uint8Array(0) : file.unmatched.slice();
    },
  };
}

/**
 * Whether a command in upper-case hex fits a pattern: `??` stands for one byte, a final `**` for any number of
 * bytes, none included.
 */
export function matches(pattern: string, command: string): boolean {
  const open = pattern.endsWith('**');
  const fixed = open ? pattern.slice(0, -2) : pattern;
  if (open ? command.length < fixed.length : command.length !== fixed.length) return false;
  for (let i = 0; i < fixed.length; i += 2) {
    const byte = fixed.slice(i, i + 2);
    if (byte !== '??' && byte !== command.slice(i, i + 2)) return false;
  }
  return true;
}
