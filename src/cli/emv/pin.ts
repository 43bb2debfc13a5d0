import { pinFromText } from '../../crypto/pin-block.ts';
import type { PinService } from '../../ports/index.ts';
import { verifyPlaintext } from '../../secure/offline-pin.ts';

/**
 * A cardholder who types the same published test PIN whenever it is asked for, or none: then the entry is
 * bypassed. There are no keys here; an online PIN is only said to be entered.
 */
export function scriptedPin(digits: string | undefined): PinService {
  return {
    online: async () => ({ kind: digits === undefined ? 'bypassed' : 'entered' }),
    offlinePlaintext: async (_request, transmit) =>
      digits === undefined ? { kind: 'bypassed' } : verifyPlaintext(pinFromText(digits), transmit),
  };
}
