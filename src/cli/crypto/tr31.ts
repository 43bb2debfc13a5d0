import { keyCheckValue } from '../../crypto/kcv.ts';
import { unwrapKeyBlock, wrapWithHeader } from '../../crypto/key-block.ts';
import { KEY_BLOCK_SIZES, parseKeyBlockHeader } from '../../crypto/key-block-header.ts';
import { toHex } from '../../platform/bytes.ts';
import { systemRandom } from '../../platform/random.ts';
import { type Answer, type Fields, fault, type Topic } from './fields.ts';

/** Key blocks: TR-31, ANSI X9.143, ISO 20038. */
export const tr31: Topic = { unwrap, reject: unwrap, wrap };

function unwrap(input: Fields): Answer {
  const { header, optionalBlocks, key, padding } = unwrapKeyBlock(input.hex('kbpk'), input.text('keyBlock'));
  return {
    header,
    optionalBlocks,
    key: toHex(key),
    padding: toHex(padding),
    ...checkValue(header.algorithm, key),
  };
}

/** Check values as X9.143 lays them down; there is none for a key that its algorithm does not know. */
function checkValue(algorithm: string, key: Uint8Array): Answer {
  if (algorithm === 'A' && [16, 24, 32].includes(key.length)) {
    return { kcvAesCmac: toHex(keyCheckValue('AES', 'CMAC-ZEROS', key).subarray(0, 5)) };
  }
  if ((algorithm === 'T' || algorithm === 'D') && [8, 16, 24].includes(key.length)) {
    return { kcvTdesZero: toHex(keyCheckValue('TDES', 'ENCRYPT-ZEROS', key).subarray(0, 3)) };
  }
  return {};
}

function wrap(input: Fields): Answer {
  const kbpk = input.hex('kbpk');
  const header = input.text('headerWithOptionalBlocks');
  const key = input.hex('key');
  const padding = input.has('padding') ? input.hex('padding') : randomPadding(header, key.length);
  return { keyBlock: wrapWithHeader(kbpk, header, key, padding), padding: toHex(padding) };
}

/** As many random bytes as the length in the header leaves room for. */
function randomPadding(text: string, keyLength: number): Uint8Array {
  const { header, blockLength } = parseKeyBlockHeader(text);
  const length = (blockLength - text.length) / 2 - KEY_BLOCK_SIZES[header.versionId].mac - 2 - keyLength;
  if (!Number.isInteger(length) || length < 0) {
    throw fault('headerWithOptionalBlocks', 'has a length that leaves no room for the key');
  }
  return systemRandom().bytes(length);
}
