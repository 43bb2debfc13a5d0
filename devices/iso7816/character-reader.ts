import { concat } from '../../src/platform/bytes.ts';
import type { ContactReader } from './activation.ts';
import type { CharacterLine } from './character-line.ts';
import { t0CharacterPort, t1CharacterPort } from './character-port.ts';
import { readPps } from './pps.ts';
import { T0Terminal } from './t0-terminal.ts';

/**
 * A reader that passes single characters (smart-card UARTs): everything above is played by the terminal.
 * @param setSpeed changes the line to the factors of a TA1; false when it cannot
 */
export function characterReader(
  line: CharacterLine,
  setSpeed: (ta1: number) => Promise<boolean> = async () => true,
): ContactReader {
  return {
    async select(request, waitMs, signal) {
      if (!(await line.send(request, signal))) return { kind: 'fault', fault: 'removed' };
      let bytes: Uint8Array = new Uint8Array(0);
      while (readPps(bytes).kind === 'incomplete') {
        const next = await line.receive(waitMs, signal);
        if (next.kind === 'gone') return { kind: 'fault', fault: 'removed' };
        if (next.kind === 'silence') return next;
        bytes = concat(bytes, next.bytes);
      }
      return { kind: 'answer', bytes };
    },
    async open({ protocol, ta1, card, timing, budget }) {
      if (!(await setSpeed(ta1))) return undefined;
      const { workWaitingMs, characterWaitingMs } = timing;
      return protocol === 0
        ? t0CharacterPort(line, new T0Terminal({ budget, workWaitingMs }))
        : t1CharacterPort(line, { characterWaitingMs, check: card.t1.check });
    },
  };
}
