import { cancelled } from '../../src/platform/clock.ts';
import type { ContactReader } from '../iso7816/activation.ts';
import type { TpduAnswer } from '../iso7816/tpdu-port.ts';
import type { CcidLink, Reply } from './link.ts';
import { CCID_ERROR, type CcidMessage, COMMAND, statusOf } from './messages.ts';
import { encodeParameters, parametersFor } from './parameters.ts';
import type { CcidSettings } from './settings.ts';

/**
 * A powered card behind a reader at TPDU level: the host selects protocols, maps APDUs and speaks T=1; the reader plays
 * the procedure bytes of T=0. Nothing that reaches the card is sent twice.
 * @param inverse the convention of the card's answer to reset
 */
export function ccidContactReader(link: CcidLink, settings: CcidSettings, inverse: boolean): ContactReader {
  const transfer = async (
    data: Uint8Array,
    waitMs: number,
    specific: CcidMessage['specific'],
    signal: AbortSignal,
  ): Promise<TpduAnswer> => {
    const answerMs = waitMs + settings.marginMs + settings.answerMs;
    const reply = await link.request({
      type: COMMAND.transfer,
      data,
      specific,
      answerMs,
      repeatable: false,
      signal,
    });
    return tpduAnswer(reply);
  };
  return {
    select: (request, waitMs, signal) => transfer(request, waitMs, [0, 0, 0], signal),
    async open(agreement, signal) {
      const reply = await link.request({
        type: COMMAND.setParameters,
        data: encodeParameters(parametersFor(agreement, inverse)),
        specific: [agreement.protocol, 0, 0],
        answerMs: settings.answerMs,
        repeatable: true,
        signal,
      });
      if (reply.kind === 'cancelled') throw cancelled();
      if (reply.kind !== 'answer' || statusOf(reply.message).command !== 'done') return undefined;
      return {
        exchange: (bytes, { waitMs, extension }, abort) =>
          transfer(bytes, waitMs, [extension > 1 ? extension : 0, 0, 0], abort),
      };
    },
  };
}

function tpduAnswer(reply: Reply): TpduAnswer {
  if (reply.kind === 'cancelled') throw cancelled();
  if (reply.kind === 'refused') return { kind: 'fault', fault: 'protocol' };
  if (reply.kind !== 'answer') return { kind: 'fault', fault: 'lost' };
  const { card, command, error } = statusOf(reply.message);
  if (command === 'done') return { kind: 'answer', bytes: reply.message.data };
  if (card !== 'active') return { kind: 'fault', fault: 'removed' };
  if (error === CCID_ERROR.mute) return { kind: 'silence' };
  if (error === CCID_ERROR.parity || error === CCID_ERROR.t1) return { kind: 'garbled' };
  return { kind: 'fault', fault: 'protocol' };
}
