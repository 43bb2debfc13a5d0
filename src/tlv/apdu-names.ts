/** Names of what crosses the card interface (ISO/IEC 7816-4, EMV Book 3, section 6). */

const COMMANDS: Readonly<Record<number, string>> = {
  164: 'SELECT',
  178: 'READ RECORD',
  192: 'GET RESPONSE',
  32: 'VERIFY',
  130: 'EXTERNAL AUTHENTICATE',
  132: 'GET CHALLENGE',
  136: 'INTERNAL AUTHENTICATE',
  32936: 'GET PROCESSING OPTIONS',
  32942: 'GENERATE AC',
  32970: 'GET DATA',
  32986: 'PUT DATA',
  32810: 'COMPUTE CRYPTOGRAPHIC CHECKSUM',
  33002: 'EXCHANGE RELAY RESISTANCE DATA',
  32976: 'RECOVER AC',
  33822: 'APPLICATION BLOCK',
  33816: 'APPLICATION UNBLOCK',
  33814: 'CARD BLOCK',
  33828: 'PIN CHANGE/UNBLOCK',
  34010: 'PUT DATA',
  34012: 'UPDATE RECORD',
  1242: 'PUT DATA',
  1244: 'UPDATE RECORD',
};

const STATUS: readonly (readonly [pattern: RegExp, meaning: string])[] = [
  [/^9000$/, 'normal processing'],
  [/^61/, 'more data with GET RESPONSE'],
  [/^6200$/, 'no information given'],
  [/^6281$/, 'part of the returned data may be corrupted'],
  [/^6283$/, 'selected file invalidated: the application is blocked'],
  [/^6300$/, 'authentication failed'],
  [/^63C0$/, 'verification failed, no tries left'],
  [/^63C/, 'verification failed, tries left in the last digit'],
  [/^6400$/, 'no change of memory, execution error'],
  [/^6581$/, 'memory failure'],
  [/^6700$/, 'wrong length'],
  [/^6982$/, 'security status not satisfied'],
  [/^6983$/, 'authentication method blocked'],
  [/^6984$/, 'referenced data invalidated'],
  [/^6985$/, 'conditions of use not satisfied'],
  [/^6986$/, 'command not allowed'],
  [/^6987$/, 'secure messaging data missing'],
  [/^6988$/, 'secure messaging data incorrect'],
  [/^6A80$/, 'wrong data'],
  [/^6A81$/, 'function not supported: the card is blocked'],
  [/^6A82$/, 'file not found'],
  [/^6A83$/, 'record not found'],
  [/^6A86$/, 'wrong P1 or P2'],
  [/^6A88$/, 'referenced data not found'],
  [/^6B00$/, 'wrong P1 or P2'],
  [/^6C/, 'wrong Le; the right one is in the last byte'],
  [/^6D00$/, 'instruction not supported'],
  [/^6E00$/, 'class not supported'],
  [/^6F00$/, 'no precise diagnosis'],
];

/** The name of a command by class and instruction; `undefined` when it is not known. */
export function commandName(cla: number, ins: number): string | undefined {
  return COMMANDS[(cla << 8) | ins];
}

/** What a status word says. */
export function statusMeaning(sw: number): string {
  const hex = sw.toString(16).toUpperCase().padStart(4, '0');
  return STATUS.find(([pattern]) => pattern.test(hex))?.[1] ?? 'not defined by EMV';
}
