import { PossumError } from '../../platform/errors.ts';
import { cvvPvv } from './cvv-pvv.ts';
import { dukptAes } from './dukpt-aes.ts';
import { dukptTdes } from './dukpt-tdes.ts';
import { emvCryptogram } from './emv-cryptogram.ts';
import { emvOda } from './emv-oda.ts';
import { type Answer, Fields, type Topic } from './fields.ts';
import { kcv } from './kcv.ts';
import { mac } from './mac.ts';
import { pinblock } from './pinblock.ts';
import { tr31 } from './tr31.ts';
import { tracks } from './tracks.ts';

/** Every calculation by topic and name. */
export const TOPICS: Readonly<Record<string, Topic>> = {
  'dukpt-tdes': dukptTdes,
  'dukpt-aes': dukptAes,
  pinblock,
  tr31,
  'emv-cryptogram': emvCryptogram,
  'emv-oda': emvOda,
  mac,
  'cvv-pvv': cvvPvv,
  kcv,
  tracks,
};

/**
 * Does one calculation.
 * @param values its inputs by name; what it does not know is passed over
 * @throws PossumError `USAGE` for an unknown topic or operation, else what the operation refuses
 */
export function calculate(topic: string, op: string, values: Readonly<Record<string, unknown>>): Answer {
  const operations = Object.hasOwn(TOPICS, topic) ? (TOPICS[topic] as Topic) : undefined;
  if (operations === undefined) {
    throw new PossumError('USAGE', `is none of ${Object.keys(TOPICS).join(', ')}`, { where: 'topic' });
  }
  const operation = Object.hasOwn(operations, op) ? operations[op] : undefined;
  if (operation === undefined) {
    throw new PossumError('USAGE', `is none of ${Object.keys(operations).join(', ')}`, { where: 'op' });
  }
  return operation(new Fields(values));
}
