/** Which cryptogram the card gave. */
export type CryptogramType = 'aac' | 'tc' | 'arqc';

/** What happened in this transaction and before, as the card tells its issuer in the CVR. */
export interface CardVerification {
  readonly first: CryptogramType;
  readonly second: CryptogramType | undefined;
  readonly pinPerformed: boolean;
  readonly pinFailed: boolean;
  readonly triesLeft: number;
  readonly issuerAuthentication: 'none' | 'passed' | 'failed';
  readonly unableToGoOnline: boolean;
  readonly onlineNotCompleted: boolean;
  readonly velocityExceeded: boolean;
  readonly newCard: boolean;
  readonly lastIssuerAuthenticationFailed: boolean;
  readonly ddaPerformed: boolean;
  readonly cdaPerformed: boolean;
  readonly scriptCount: number;
  readonly scriptFailed: boolean;
  readonly domestic: boolean;
}

const TYPE_BITS: Readonly<Record<CryptogramType, number>> = { aac: 0, tc: 1, arqc: 2 };

/** Bits 8-7 tell the second cryptogram (10: none asked for), bits 6-5 the first. */
function typeBits({ first, second }: CardVerification): number {
  return ((second === undefined ? 2 : TYPE_BITS[second]) << 6) | (TYPE_BITS[first] << 4);
}

/** The bits of `pairs` whose condition holds. */
function bits(...pairs: readonly (readonly [boolean, number])[]): number {
  return pairs.reduce((sum, [holds, bit]) => (holds ? sum | bit : sum), 0);
}

/** Card verification results of Visa, which UnionPay took over: length 03 and three bytes. */
export function visaResults(r: CardVerification): Uint8Array {
  return Uint8Array.of(
    0x03,
    typeBits(r) |
      bits(
        [r.issuerAuthentication === 'failed', 0x08],
        [r.pinPerformed, 0x04],
        [r.pinFailed, 0x02],
        [r.unableToGoOnline, 0x01],
      ),
    bits(
      [r.onlineNotCompleted, 0x80],
      [r.triesLeft === 0, 0x40],
      [r.velocityExceeded, 0x20],
      [r.newCard, 0x10],
      [r.lastIssuerAuthenticationFailed, 0x08],
      [r.second !== undefined && !r.unableToGoOnline && r.issuerAuthentication === 'none', 0x04],
    ),
    (Math.min(r.scriptCount, 15) << 4) | bits([r.scriptFailed, 0x08], [r.ddaPerformed, 0x02]),
  );
}

/** Card verification results of M/Chip: six bytes. */
export function mchipResults(r: CardVerification): Uint8Array {
  return Uint8Array.of(
    typeBits(r) | bits([r.pinPerformed, 0x04], [r.pinPerformed && !r.pinFailed, 0x01]),
    bits(
      [r.ddaPerformed, 0x80],
      [r.cdaPerformed && r.second === undefined, 0x40],
      [r.cdaPerformed && r.second !== undefined, 0x20],
      [r.issuerAuthentication === 'passed', 0x10],
    ),
    (Math.min(r.scriptCount, 15) << 4) | Math.min(r.triesLeft, 15),
    bits(
      [r.onlineNotCompleted, 0x80],
      [r.unableToGoOnline, 0x40],
      [!r.pinPerformed, 0x20],
      [r.pinFailed, 0x10],
      [r.triesLeft === 0, 0x08],
      [!r.domestic, 0x04],
      [r.domestic, 0x02],
    ),
    bits(
      [r.velocityExceeded, 0x80],
      [r.issuerAuthentication === 'failed' || r.lastIssuerAuthenticationFailed, 0x04],
      [r.scriptCount > 0, 0x02],
      [r.scriptFailed, 0x01],
    ),
    0x00,
  );
}
