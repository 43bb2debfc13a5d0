import { iccMasterKey } from '../../crypto/emv-keys.ts';
import type { Fields } from './fields.ts';

/** The card's master key from the issuer's master key in the field `name`, and `pan`, `psn`, `masterKeyOption`. */
export function masterKeyOf(input: Fields, name: string): Uint8Array {
  return iccMasterKey(
    input.hex(name, 16),
    input.digits('pan', 1, 19),
    input.digitsOr('psn', '00', 2),
    input.choice<'A' | 'B'>('masterKeyOption', ['A', 'B'], 'A'),
  );
}
