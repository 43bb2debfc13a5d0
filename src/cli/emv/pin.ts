import { encodePinBlock, pinFromText } from '../../crypto/pin-block.ts';
import { concat } from '../../platform/bytes.ts';
import type { PinService } from '../../ports/index.ts';

const VERIFY_PLAINTEXT = Uint8Array.of(0x00, 0x20, 0x00, 0x80, 0x08);

/**
 * A cardholder who types the same published test PIN whenever it is asked for, or none: then the entry is
 * bypassed. There are no keys here; an online PIN is only said to be entered.
 */
export function scriptedPin(digits: string | undefined): PinService {
  return {
    online: async () => ({ kind: digits === undefined ? 'bypassed' : 'entered' }),
    async offlinePlaintext(_request, transmit) {
      if (digits === undefined) return { kind: 'bypassed' };
      const block = encodePinBlock({ format: 2, pin: pinFromText(digits) });
      const exchange = await transmit(concat(VERIFY_PLAINTEXT, block));
      if (exchange.kind === 'fault') return exchange;
      const [high = 0, low = 0] = exchange.response.subarray(-2);
      return { kind: 'answered', sw: (high << 8) | low };
    },
  };
}
