import { createCipheriv, createDecipheriv, createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { concat, latin1 } from '../platform/bytes.ts';
import { PossumError } from '../platform/errors.ts';
import type { Secret } from '../platform/secret.ts';
import type { Sealer } from '../ports/index.ts';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const ALGORITHM = 'aes-256-gcm';
/** Said outright, since Node takes twice as long to find out on its own. */
const TAG = { authTagLength: TAG_BYTES };

/**
 * AES-256-GCM (NIST SP 800-38D) and HMAC-SHA-256 under keys derived from the storage key. The nonce is a MAC of what
 * is sealed (a synthetic one: Rogaway and Shrimpton, 2006), so that two contents never share a nonce, not even when
 * a machine is restored and its random source repeats.
 * @param storageKey the caller may wipe it afterwards
 */
export function sealer(storageKey: Secret): Sealer {
  const subkey = (use: string) =>
    createSecretKey(createHmac('sha256', storageKey.reveal()).update(`possum/${use}`).digest());
  let kept: Readonly<Record<'sealing' | 'linking' | 'naming', KeyObject>> | undefined = {
    sealing: subkey('seal'),
    linking: subkey('link'),
    naming: subkey('nonce'),
  };
  const keys = () => {
    if (kept === undefined) throw destroyed();
    return kept;
  };
  return {
    seal(plain, context) {
      const { sealing, naming } = keys();
      const about = latin1(`${context}\0`);
      const nonce = createHmac('sha256', naming)
        .update(about)
        .update(plain)
        .digest()
        .subarray(0, NONCE_BYTES);
      const cipher = createCipheriv(ALGORITHM, sealing, nonce, TAG);
      cipher.setAAD(about);
      // GCM is a stream: `update` gives all of the body, `final` only ends it.
      const body = cipher.update(plain);
      cipher.final();
      return concat(nonce, body, cipher.getAuthTag());
    },
    open(sealed, context) {
      const { sealing } = keys();
      if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined;
      const decipher = createDecipheriv(ALGORITHM, sealing, sealed.subarray(0, NONCE_BYTES), TAG);
      decipher.setAAD(latin1(`${context}\0`));
      decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
      let body: Uint8Array | undefined;
      try {
        body = decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES));
        decipher.final();
        // The cipher's own memory and no copy: nothing is left when the caller has wiped it.
        return new Uint8Array(body.buffer, body.byteOffset, body.length);
      } catch {
        body?.fill(0);
        return undefined;
      }
    },
    link: (bytes) => new Uint8Array(createHmac('sha256', keys().linking).update(bytes).digest()),
    forget() {
      kept = undefined;
    },
  };
}

function destroyed(): PossumError {
  return new PossumError('STATE', 'the terminal has destroyed its storage key', {
    where: 'secure module',
    remedy: 'It was tampered with: start anew in another --data folder.',
  });
}
