import { pinFromText } from '../../crypto/pin-block.ts';
import type { Random } from '../../platform/random.ts';
import type { PinService } from '../../ports/index.ts';
import { verifyEnciphered, verifyPlaintext } from '../../secure/offline-pin.ts';

/**
 * A cardholder who types the same published test PIN whenever it is asked for, or none: then the entry is
 * bypassed. There are no keys here; an online PIN is only said to be entered.
 */
export function scriptedPin(digits: string | undefined, random: Random): PinService {
  return {
    online: async () => ({ kind: digits === undefined ? 'bypassed' : 'entered' }),
    offlinePlaintext: async (_request, transmit) =>
      digits === undefined ? { kind: 'bypassed' } : verifyPlaintext(pinFromText(digits), transmit),
    offlineEnciphered: async ({ key, challenge }, transmit) =>
      digits === undefined
        ? { kind: 'bypassed' }
        : verifyEnciphered(pinFromText(digits), key, challenge, random, transmit),
  };
}
