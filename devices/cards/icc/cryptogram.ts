import { applicationCryptogram, sessionKey } from '../../../src/crypto/emv-keys.ts';
import { equalBytes } from '../../../src/platform/bytes.ts';
import type { CardVerification, CryptogramType } from './card-verification.ts';
import type { Chip, Selected } from './chip.ts';
import { amountOf, atcBytes, currencyBytes } from './profile.ts';
import { cryptogramInput } from './scheme.ts';

/** A cryptogram and the objects that travel with it. */
export interface MadeCryptogram {
  readonly cid: number;
  readonly atc: Uint8Array;
  readonly cryptogram: Uint8Array;
  readonly issuerApplicationData: Uint8Array;
}

const TYPE_BITS: Readonly<Record<CryptogramType, number>> = { aac: 0x00, tc: 0x40, arqc: 0x80 };

export interface CryptogramRequest {
  readonly first: CryptogramType;
  readonly second?: CryptogramType;
  readonly unableToGoOnline?: boolean;
  readonly cda?: boolean;
  /** Low bits of the CID: why an AAC was given. */
  readonly reason?: number;
}

/** Computes a cryptogram over what the terminal has sent so far. */
export function makeCryptogram(chip: Chip, selected: Selected, request: CryptogramRequest): MadeCryptogram {
  const { application, memory } = selected;
  const { session } = chip;
  const { scheme } = application;
  const atc = atcBytes(memory.atc);
  const issuerApplicationData = scheme.issuerApplicationData(cardVerification(chip, selected, request));
  const unpredictable = session.terminal.get(0x9f37) ?? new Uint8Array(4);
  const key = sessionKey(scheme.sessionKey, chip.keys.ac, atc, unpredictable);
  const input = cryptogramInput(scheme, (tag) => session.terminal.get(tag), {
    aip: application.file.aip,
    atc,
    issuerApplicationData,
  });
  const type = request.second ?? request.first;
  return {
    cid: TYPE_BITS[type] | (request.reason ?? 0),
    atc,
    cryptogram: applicationCryptogram(key, input, scheme.padding),
    issuerApplicationData,
  };
}

function cardVerification(chip: Chip, selected: Selected, request: CryptogramRequest): CardVerification {
  const { session } = chip;
  const { memory } = selected;
  return {
    first: request.first,
    second: request.second,
    pinPerformed: session.pinPerformed,
    pinFailed: session.pinFailed,
    triesLeft: chip.memory.pin?.triesLeft ?? 3,
    issuerAuthentication: session.issuerAuthentication,
    unableToGoOnline: request.unableToGoOnline ?? false,
    onlineNotCompleted: memory.onlineNotCompleted,
    velocityExceeded: session.velocityExceeded,
    newCard: memory.lastOnlineAtc === 0,
    lastIssuerAuthenticationFailed: memory.issuerAuthenticationFailed,
    ddaPerformed: session.ddaPerformed,
    cdaPerformed: request.cda ?? false,
    scriptCount: memory.scriptCount,
    scriptFailed: memory.scriptFailed,
    domestic: isHomeCurrency(chip, selected),
  };
}

/** Whether the transaction is in the currency of the card's limits; cards without limits know no other. */
export function isHomeCurrency(chip: Chip, { application }: Selected): boolean {
  const currency = application.file.limits?.currency;
  const sent = chip.session.terminal.get(0x5f2a);
  return currency === undefined || (sent !== undefined && equalBytes(sent, currencyBytes(currency)));
}

/** Whether card risk management wants the issuer to decide; remembers it for the CVR. */
export function wantsOnline(chip: Chip, selected: Selected): boolean {
  const { memory } = selected;
  const limits = selected.application.file.limits;
  const amount = amountOf(chip.session.terminal);
  const exceeded =
    limits !== undefined &&
    (!isHomeCurrency(chip, selected) ||
      amount > (limits.offlineAmount ?? Number.POSITIVE_INFINITY) ||
      memory.cumulativeMinor + amount > (limits.cumulativeAmount ?? Number.POSITIVE_INFINITY) ||
      memory.consecutiveOffline >= (limits.consecutive ?? Number.POSITIVE_INFINITY));
  chip.session.velocityExceeded = exceeded;
  return exceeded || memory.onlineNotCompleted || memory.issuerAuthenticationFailed;
}

/** Counts an approval that no issuer saw. */
export function countOffline(chip: Chip, selected: Selected): void {
  const { memory } = selected;
  memory.consecutiveOffline++;
  if (isHomeCurrency(chip, selected)) memory.cumulativeMinor += amountOf(chip.session.terminal);
}

/** Resets what an authenticated online transaction resets. */
export function countOnline({ memory }: Selected): void {
  memory.lastOnlineAtc = memory.atc;
  memory.consecutiveOffline = 0;
  memory.cumulativeMinor = 0;
  memory.issuerAuthenticationFailed = false;
  memory.scriptCount = 0;
  memory.scriptFailed = false;
}
