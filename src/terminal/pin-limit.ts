import type { OnlinePinRequest, PinRefusal } from '../ports/index.ts';
import { show, type TerminalContext, tellOperator } from './context.ts';

/** Takes a PIN for the issuer, and says so when the secure module takes none for a while. */
export async function onlinePin(
  context: TerminalContext,
  request: OnlinePinRequest,
  signal: AbortSignal,
): Promise<{ readonly kind: 'entered' | PinRefusal }> {
  const answer = await context.secure.online(request, signal);
  if (answer.kind === 'limited') {
    show(context, 'pin-limit');
    tellOperator(context, 'pin-limit-operator', `${Math.ceil(context.secure.pinWaitMs() / 1000)} s`);
  }
  return answer;
}
