import {
  cardholderAuthenticationValue,
  cardVerificationValue,
  cvc3,
  cvc3InitialVector,
  dcvvPan,
  type Ibm3624Rules,
  ibm3624Offset,
  ibm3624Pin,
  pinVerificationValue,
} from '../../crypto/card-values.ts';
import { toHex } from '../../platform/bytes.ts';
import type { Answer, Fields, Topic } from './fields.ts';
import { masterKeyOf } from './master-key.ts';

/** Values on stripe and chip, and PIN values of the issuer. */
export const cvvPvv: Topic = {
  cvv: (input) => ({
    cvv: cardVerificationValue(
      input.hex('cvk', 16),
      input.digits('pan', 1, 19),
      input.digits('expiry', 4),
      input.digits('serviceCode', 3),
    ),
  }),
  cavv: (input) => ({
    cavv: cardholderAuthenticationValue(
      input.hex('cvk', 16),
      input.digits('pan', 1, 19),
      input.digits('unpredictableNumber', 4),
      input.digits('authenticationResultsCode', 1),
      input.digits('secondFactorResultsCode', 2),
    ),
  }),
  pvv: (input) => ({
    pvv: pinVerificationValue(
      input.hex('pvk', 16),
      input.digits('pvki', 1),
      input.digits('pin', 4, 12),
      input.digits('pan', 12, 19),
    ),
  }),
  'ibm3624-pin': (input) => ({
    pin: ibm3624Pin(input.hex('pvk', 8, 16, 24), rulesOf(input), input.digits('offset', 4, 12)),
  }),
  'ibm3624-offset': (input) => ({
    offset: ibm3624Offset(input.hex('pvk', 8, 16, 24), rulesOf(input), input.digits('pin', 4, 12)),
  }),
  dcvv: (input) => {
    const masterKey = masterKeyOf(input, 'imk');
    const pan = dcvvPan(input.digits('pan', 5, 19), input.digits('atcDigits', 4));
    const value = cardVerificationValue(
      masterKey,
      pan,
      input.digits('expiry', 4),
      input.digits('serviceCode', 3),
    );
    return { iccMasterKey: toHex(masterKey), dcvv: value };
  },
  cvc3: dynamicCode,
};

function rulesOf(input: Fields): Ibm3624Rules {
  const pan = input.digits('pan', 1, 19);
  return {
    decimalizationTable: input.digits('decimalizationTable', 16),
    pan,
    validationDataOffset: input.integerOr('validationDataOffset', 0, 0, 18),
    validationDataLength: input.integerOr('validationDataLength', Math.min(pan.length, 16), 1, 16),
    padDigit: input.has('padDigit') ? input.text('padDigit') : 'F',
  };
}

/** With the static track data the three digits that a track has room for, with the initial vector alone all five. */
function dynamicCode(input: Fields): Answer {
  const masterKey = masterKeyOf(input, 'imk');
  const onTrack = input.has('staticTrackData');
  const vector = onTrack
    ? cvc3InitialVector(masterKey, input.hex('staticTrackData'))
    : input.hex('ivcvc3', 2);
  const atc = input.hexOr('atc', new Uint8Array(2), 2);
  const value = cvc3(masterKey, vector, input.hex('unpredictableNumber', 4), atc);
  const length = input.integerOr('cvc3Digits', onTrack ? 3 : 5, 1, 5);
  return {
    iccMasterKey: toHex(masterKey),
    ivcvc3: toHex(vector),
    cvc3: value.slice(-length),
    fullCvc3: value,
  };
}
