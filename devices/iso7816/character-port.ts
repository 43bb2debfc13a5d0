import { concat } from '../../src/platform/bytes.ts';
import type { CharacterLine } from './character-line.ts';
import type { T0Terminal } from './t0-terminal.ts';
import { decodeBlock, missingOfBlock, type T1Check } from './t1-block.ts';
import type { TpduAnswer, TpduPort } from './tpdu-port.ts';

/** A block that trickles in more slowly than this is no block. */
const MAX_BLOCK_MS = 30_000;
const GONE: TpduAnswer = { kind: 'fault', fault: 'removed' };

/** T=0 TPDUs over single characters: the terminal plays the procedure bytes. */
export function t0CharacterPort(line: CharacterLine, terminal: T0Terminal): TpduPort {
  return {
    async exchange(tpdu, _wait, signal) {
      await line.drain(0, signal);
      let step = terminal.begin(tpdu);
      for (;;) {
        if (step.kind === 'done') return { kind: 'answer', bytes: step.response };
        if (step.kind === 'failed')
          return { kind: 'fault', fault: step.reason === 'procedure' ? 'protocol' : 'timeout' };
        if (step.kind === 'send' && !(await line.send(step.bytes, signal))) return GONE;
        const next = await line.receive(step.waitMs, signal);
        if (next.kind === 'gone') return GONE;
        step = next.kind === 'silence' ? terminal.silence() : terminal.take(next.bytes);
      }
    },
  };
}

/** T=1 blocks over single characters. A damaged block is waited out, so that its rest is not read as the next one. */
export function t1CharacterPort(
  line: CharacterLine,
  settings: { readonly characterWaitingMs: number; readonly check: T1Check },
): TpduPort {
  const { characterWaitingMs, check } = settings;
  return {
    async exchange(block, { waitMs }, signal) {
      await line.drain(0, signal);
      if (!(await line.send(block, signal))) return GONE;
      const answer = await collect(line, waitMs, characterWaitingMs, check, signal);
      const damaged =
        answer.kind === 'garbled' || (answer.kind === 'answer' && !decodeBlock(answer.bytes, check).ok);
      if (damaged) await line.drain(characterWaitingMs, signal);
      return answer;
    },
  };
}

async function collect(
  line: CharacterLine,
  firstMs: number,
  nextMs: number,
  check: T1Check,
  signal: AbortSignal,
): Promise<TpduAnswer> {
  let bytes: Uint8Array = new Uint8Array(0);
  let leftMs = () => firstMs;
  while (missingOfBlock(bytes, check) > 0) {
    const next = await line.receive(Math.min(bytes.length === 0 ? firstMs : nextMs, leftMs()), signal);
    if (next.kind === 'gone') return GONE;
    if (next.kind === 'silence') return bytes.length === 0 ? { kind: 'silence' } : { kind: 'garbled' };
    if (bytes.length === 0) leftMs = line.within(MAX_BLOCK_MS);
    bytes = concat(bytes, next.bytes);
  }
  return { kind: 'answer', bytes };
}
