import { PossumError } from '../platform/errors.ts';

/** What a key of each usage may do: X9.143:2021, tables 2 and 4, and the operations of this module. */

/** What the module can be asked to do with a key. */
export type KeyOperation =
  | 'encipher a PIN'
  | 'make a MAC'
  | 'check a MAC'
  | 'encipher data'
  | 'decipher data'
  | 'unwrap a key'
  | 'open a key block'
  | 'close a key block';

export const KEY_OPERATIONS: readonly KeyOperation[] = [
  'encipher a PIN',
  'make a MAC',
  'check a MAC',
  'encipher data',
  'decipher data',
  'unwrap a key',
  'open a key block',
  'close a key block',
];

interface Usage {
  readonly title: string;
  /** Modes that go with the usage. */
  readonly modes: string;
  readonly operations: Readonly<Partial<Record<KeyOperation, string>>>;
}

/** Which modes of use allow an operation. */
const ENCIPHER = 'EBN';
const DECIPHER = 'DBN';
const GENERATE = 'CGN';
const VERIFY = 'CVN';

const MAC_OPERATIONS = { 'make a MAC': GENERATE, 'check a MAC': VERIFY } as const;
const BLOCK_OPERATIONS = { 'open a key block': DECIPHER, 'close a key block': ENCIPHER } as const;
const NONE = {} as const;

/** The usage of UnionPay's MAC key: the standard has none for it, and leaves two digits to implementations. */
export const UNION_PAY_MAC = '10';

const USAGES: Readonly<Record<string, Usage>> = {
  B0: { title: 'base derivation key', modes: 'XN', operations: NONE },
  B1: { title: 'DUKPT initial key', modes: 'XN', operations: NONE },
  B2: { title: 'base key variant key', modes: 'XN', operations: NONE },
  B3: { title: 'key derivation key', modes: 'XN', operations: NONE },
  C0: { title: 'card verification key', modes: 'CGVN', operations: NONE },
  D0: {
    title: 'data encryption',
    modes: 'BDEN',
    operations: { 'encipher data': ENCIPHER, 'decipher data': DECIPHER },
  },
  D1: { title: 'asymmetric data encryption', modes: 'BDEN', operations: NONE },
  D2: { title: 'decimalisation table', modes: 'BDEN', operations: NONE },
  D3: { title: 'sensitive data encryption', modes: 'BDEN', operations: NONE },
  E0: { title: 'EMV master key: cryptograms', modes: 'XN', operations: NONE },
  E1: { title: 'EMV master key: confidentiality', modes: 'XN', operations: NONE },
  E2: { title: 'EMV master key: integrity', modes: 'XN', operations: NONE },
  E3: { title: 'EMV master key: data authentication code', modes: 'XN', operations: NONE },
  E4: { title: 'EMV master key: dynamic numbers', modes: 'XN', operations: NONE },
  E5: { title: 'EMV master key: personalisation', modes: 'XN', operations: NONE },
  E6: { title: 'EMV master key: other', modes: 'XN', operations: NONE },
  E7: { title: 'EMV master key: personalisation session', modes: 'XN', operations: NONE },
  I0: { title: 'initial vector', modes: 'N', operations: NONE },
  K0: {
    title: 'key encryption (terminal master key)',
    modes: 'BDEN',
    operations: { 'unwrap a key': DECIPHER },
  },
  K1: { title: 'key block protection', modes: 'BDEN', operations: BLOCK_OPERATIONS },
  K2: { title: 'asymmetric key transport', modes: 'BDENX', operations: NONE },
  K3: { title: 'asymmetric key agreement', modes: 'BDENX', operations: NONE },
  K4: { title: 'key block protection, ISO 20038', modes: 'BDEN', operations: BLOCK_OPERATIONS },
  M0: { title: 'MAC, ISO 16609', modes: 'CGVN', operations: MAC_OPERATIONS },
  M1: { title: 'MAC, ISO 9797-1 algorithm 1', modes: 'CGVN', operations: MAC_OPERATIONS },
  M2: { title: 'MAC, ISO 9797-1 algorithm 2', modes: 'CGVN', operations: NONE },
  M3: { title: 'MAC, ISO 9797-1 algorithm 3', modes: 'CGVN', operations: MAC_OPERATIONS },
  M4: { title: 'MAC, ISO 9797-1 algorithm 4', modes: 'CGVN', operations: NONE },
  M5: { title: 'MAC, ISO 9797-1:1999 algorithm 5', modes: 'CGVN', operations: NONE },
  M6: { title: 'CMAC', modes: 'CGVN', operations: MAC_OPERATIONS },
  M7: { title: 'HMAC', modes: 'CGVN', operations: MAC_OPERATIONS },
  M8: { title: 'MAC, ISO 9797-1 algorithm 6', modes: 'CGVN', operations: NONE },
  P0: { title: 'PIN encryption', modes: 'BDEN', operations: { 'encipher a PIN': ENCIPHER } },
  P1: { title: 'PIN generation', modes: 'BDEN', operations: NONE },
  S0: { title: 'asymmetric signature', modes: 'SVNX', operations: NONE },
  S1: { title: 'asymmetric signature, CA', modes: 'SVNX', operations: NONE },
  S2: { title: 'asymmetric signature, other', modes: 'SVNX', operations: NONE },
  V0: { title: 'PIN verification', modes: 'CGVN', operations: NONE },
  V1: { title: 'PIN verification, IBM 3624', modes: 'CGVN', operations: NONE },
  V2: { title: 'PIN verification, VISA PVV', modes: 'CGVN', operations: NONE },
  V3: { title: 'PIN verification, X9.132 algorithm 1', modes: 'CGVN', operations: NONE },
  V4: { title: 'PIN verification, X9.132 algorithm 2', modes: 'CGVN', operations: NONE },
  V5: { title: 'PIN verification, X9.132 algorithm 3', modes: 'CGVN', operations: NONE },
  [UNION_PAY_MAC]: { title: 'MAC of UnionPay terminals', modes: 'CGVN', operations: MAC_OPERATIONS },
};

/** Every usage that the module knows, in the order of the standard. */
export const KEY_USAGES: readonly string[] = Object.keys(USAGES).sort();

/** What a usage is called; its code when it is none of the standard's. */
export function usageTitle(usage: string): string {
  return usageOf(usage)?.title ?? 'proprietary';
}

/** Whether the standard knows the usage and lets it go with the mode. */
export function isModeOf(usage: string, modeOfUse: string): boolean {
  return usageOf(usage)?.modes.includes(modeOfUse) === true;
}

/** The operations that a key is there for. */
export function operationsOf(usage: string, modeOfUse: string): readonly KeyOperation[] {
  const allowed: Usage['operations'] = usageOf(usage)?.operations ?? NONE;
  return KEY_OPERATIONS.filter((operation) => allowed[operation]?.includes(modeOfUse) === true);
}

/**
 * Refuses what the key in a slot is not there for.
 * @throws PossumError `KEY` naming the slot, what its key may do, and what was asked
 */
export function requireOperation(
  slot: { readonly name: string; readonly usage: string; readonly modeOfUse: string },
  operation: KeyOperation,
): void {
  const { name, usage, modeOfUse } = slot;
  const allowed = operationsOf(usage, modeOfUse);
  if (allowed.includes(operation)) return;
  const purpose = allowed.length === 0 ? 'does nothing in a terminal' : `may ${allowed.join(' and ')}`;
  throw new PossumError(
    'KEY',
    `the key with usage ${usage} (${usageTitle(usage)}) and mode ${modeOfUse} ${purpose}; it was asked to ${operation}`,
    {
      where: `key slot ${name}`,
      remedy: 'Use the slot of the key that is meant for it: `possum keys list`.',
    },
  );
}

function usageOf(usage: string): Usage | undefined {
  return Object.hasOwn(USAGES, usage) ? USAGES[usage] : undefined;
}
