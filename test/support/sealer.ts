import { Secret } from '../../src/platform/secret.ts';
import { sealer } from '../../src/secure/sealer.ts';

/** A sealer under a fixed storage key. */
export function testSealer() {
  return sealer(new Secret(new Uint8Array(32).fill(7), 'storage key'));
}
