import { type Authorisation, authorise, type Ending, finish } from '../acquirer/authorisation.ts';
import type { OnlineKind } from '../acquirer/messages.ts';
import type { DataStore } from '../emv/data-store.ts';
import { buildField55 } from '../emv/field55.ts';
import { track2FromEquivalent } from '../emv/magstripe/tracks.ts';
import { TAG } from '../emv/tags.ts';
import type { CvmMethod, OnlineAnswer } from '../emv/transaction.ts';
import type {
  CardData,
  TransactionDetail,
  TransactionKind,
  TransactionRecord,
} from '../journal/transactions.ts';
import { bytesToUint, latin1, toHex } from '../platform/bytes.ts';
import { type Pan, Secret } from '../platform/secret.ts';
import { encodeTlv, parseTlv, type Tlv } from '../tlv/ber.ts';
import type { TerminalContext } from './context.ts';

/** First two digits of field 22 (host-protocol 5.1). */
export const ENTRY = { stripe: '02', contact: '05', contactless: '07', fallback: '80' } as const;

/** One attempt to have a transaction authorised, and what became of it. */
export interface OnlineAttempt {
  readonly kind: TransactionKind;
  readonly onlineKind: OnlineKind;
  readonly amountMinor: number;
  readonly entryMode: string;
  readonly card: CardData;
  readonly track2?: Secret;
  readonly detail: TransactionDetail;
  /** A void names its original, and keeps its invoice. */
  readonly originalId?: number;
  readonly invoice?: number;
  readonly originalRrn?: string;
}

/** Sends the request; the result is kept by the caller until the card has spoken. */
export function sendOnline(
  context: TerminalContext,
  attempt: OnlineAttempt,
  signal: AbortSignal,
): Promise<Authorisation> {
  const { kind, onlineKind, detail, originalId, ...request } = attempt;
  return authorise(
    context.acquirer,
    { ...request, kind: onlineKind },
    {
      kind,
      currency: context.settings.currency.code,
      atMs: context.clock.now(),
      detail,
      ...(originalId === undefined ? {} : { originalId }),
    },
    signal,
  );
}

/** What a chip transaction sends: PAN, expiry and sequence number from the card, field 55 by the profile's list. */
export function chipCardData(context: TerminalContext, data: DataStore, pan: Pan): CardData {
  const expiry = data.get(TAG.expiry);
  const sequence = data.get(TAG.panSequence);
  return {
    pan,
    ...(expiry === undefined ? {} : { expiry: toHex(expiry).slice(0, 4) }),
    ...(sequence === undefined ? {} : { sequenceNumber: toHex(sequence).padStart(3, '0').slice(-3) }),
    chip: buildField55(data, context.acquirer.chipTags, context.acquirer.zeroWhenMissing),
  };
}

/** Track 2 equivalent of a chip, as field 35 carries it. */
export function chipTrack2(data: DataStore): Secret | undefined {
  const equivalent = data.get(TAG.track2);
  return equivalent === undefined
    ? undefined
    : new Secret(latin1(track2FromEquivalent(equivalent)), 'track 2');
}

/** Field 22: how the card was read, and whether a PIN block goes with the message. */
export function entryModeField(entry: string, cvm: CvmMethod): string {
  return `${entry}${cvm === 'online-pin' ? '1' : '2'}`;
}

/** What a receipt shows of the chip. */
export function chipDetail(
  data: DataStore,
  cardInterface: 'contact' | 'contactless',
  cvm: CvmMethod,
  label: string | undefined,
): TransactionDetail {
  const hex = (tag: number) => {
    const value = data.get(tag);
    return value === undefined ? undefined : toHex(value);
  };
  const entries = {
    aid: hex(TAG.dfName),
    label: label === '' ? undefined : label,
    tvr: hex(TAG.tvr),
    tsi: hex(TAG.tsi),
    cryptogram: hex(TAG.cryptogram),
    cid: hex(TAG.cid),
    atc: data.get(TAG.atc) === undefined ? undefined : String(bytesToUint(data.get(TAG.atc) as Uint8Array)),
    cvm: cvm === 'failed' ? undefined : cvm === 'offline-pin-and-signature' ? 'signature' : cvm,
  } as const;
  const present = Object.entries(entries).filter(([, value]) => value !== undefined);
  return { interface: cardInterface, ...Object.fromEntries(present) } as TransactionDetail;
}

const NO_ANSWER: Readonly<Record<Extract<Authorisation, { kind: 'no-answer' }>['reason'], string>> = {
  timeout: 'the host did not answer in time',
  closed: 'the line was closed before the answer',
  garbled: 'the answer cannot be read',
  mac: 'the MAC of the answer is wrong',
  'unknown-code': 'the answer has no known response code',
  'no-approval-code': 'the approval has no code',
  'partial-amount': 'only a part of the amount was approved',
};

/** Why a request has to be reversed, in words. */
export function noAnswerText({ reason }: Extract<Authorisation, { kind: 'no-answer' }>): string {
  return NO_ANSWER[reason];
}

/** Entries of a PIN that the host found wrong, in one transaction. */
export const MAX_ONLINE_PIN_TRIES = 3;

/** The host found the PIN wrong and allows another try. */
export function hostWantsPinAgain(context: TerminalContext, result: Authorisation | undefined): boolean {
  if (result?.kind !== 'answered' || result.decision.approved) return false;
  return context.acquirer.profile.responseCodes[result.decision.code]?.action === 'enter-pin-again';
}

/** The host's answer in the kernel's terms. */
export function kernelAnswer(context: TerminalContext, result: Authorisation): OnlineAnswer {
  if (result.kind === 'not-sent') return { kind: 'unable' };
  if (result.kind === 'no-answer') return { kind: 'unable', requestLeft: true };
  const { decision } = result;
  const objects = decision.chip === undefined ? [] : issuerObjects(decision.chip);
  const scripts = objects.filter(isScript);
  const action = context.acquirer.profile.responseCodes[decision.code]?.action;
  return {
    kind: 'answered',
    arc: decision.approved ? '00' : decision.code,
    approved: decision.approved,
    ...(action === 'refer' ? { referral: true } : {}),
    tags: new Map(objects.filter((item) => !isScript(item)).map((item) => [item.tag, item.value])),
    ...(scripts.length === 0 ? {} : { scripts: scripts.map((item) => encodeTlv(item.tag, item.value)) }),
  };
}

/**
 * The last commit of an attempt, once the card's verdict is known.
 * @param accepted the transaction as a whole is approved
 * @returns the transaction as it is now, `undefined` when nothing was sent
 */
export function finishAttempt(
  context: TerminalContext,
  result: Authorisation,
  accepted: boolean,
  update: { detail?: TransactionDetail; cardData?: CardData } = {},
): TransactionRecord | undefined {
  if (result.kind === 'not-sent') return undefined;
  return finish(context, result.pending, endingOf(result, accepted), update);
}

function endingOf(result: Exclude<Authorisation, { kind: 'not-sent' }>, accepted: boolean): Ending {
  if (result.kind === 'no-answer') return { kind: 'reverse' };
  const { decision } = result;
  if (!decision.approved) return { kind: 'declined', decision };
  return { kind: accepted ? 'approved' : 'reverse', decision };
}

function issuerObjects(chip: Uint8Array): readonly Tlv[] {
  const parsed = parseTlv(chip);
  return parsed.ok ? parsed.items : [];
}

function isScript(item: Tlv): boolean {
  return item.tag === TAG.scriptBeforeAc || item.tag === TAG.scriptAfterAc;
}
