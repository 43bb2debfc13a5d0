import type { KeyStore } from '../../src/ports/index.ts';

/** A key store without a disk; `log` tells in which order changes and reads happened. */
export function memoryKeyStore(): KeyStore & { readonly records: Map<string, Uint8Array> } {
  const records = new Map<string, Uint8Array>();
  return {
    records,
    get: (name) => records.get(name),
    list: (prefix) =>
      [...records]
        .filter(([name]) => name.startsWith(prefix))
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, value]) => ({ name, value })),
    atomically: (change) =>
      change({
        put: (name, value) => void records.set(name, value),
        delete: (name) => void records.delete(name),
      }),
  };
}
