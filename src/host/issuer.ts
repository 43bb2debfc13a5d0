import { createHash } from 'node:crypto';
import { decodePinBlock } from '../crypto/pin-block.ts';
import { toHex } from '../platform/bytes.ts';
import { maskPan } from '../platform/secret.ts';
import { readChipData } from './chip-data.ts';
import type { CryptogramName, HostConfig, IssuerCard } from './config.ts';
import { type VerifiedChip, verifyCryptogram } from './cryptogram.ts';
import type { MessageKeys } from './key-guard.ts';
import type { CardName } from './ledger.ts';
import type { HostStore, StoredRow } from './store.ts';

/** What the acquirer asks the issuer. */
export interface AuthorisationRequest {
  readonly kind: 'debit' | 'credit' | 'hold' | 'inquiry' | 'advice';
  readonly pan: string;
  /** YYMM, from field 14 or the track. */
  readonly expiry: string | undefined;
  readonly amountMinor: number;
  /** Three digits, field 22. */
  readonly entryMode: string;
  readonly track2: string | undefined;
  readonly field55: Uint8Array | undefined;
  readonly pinBlock: Uint8Array | undefined;
  /** Of the KSN under which the PIN block was enciphered. */
  readonly pinKeys: MessageKeys;
  /** YYMM of the host's day. */
  readonly today: string;
}

export interface Decision {
  /** Field 39. */
  readonly code: string;
  /** There when the cryptogram was right. */
  readonly chip?: VerifiedChip;
  /** Why, for the operator of the host. */
  readonly reason: string;
  /** Something that an acquirer would investigate. */
  readonly alarm?: boolean;
}

interface CardState {
  readonly card: IssuerCard;
  readonly name: CardName;
  wrongPins: number;
  highestAtc: number;
  /** The cryptogram that came with a wrong PIN: it may come again with another PIN. */
  retried: string | undefined;
}

const STATUS_CODE: Readonly<Record<Exclude<IssuerCard['status'], 'active'>, string>> = {
  blocked: '62',
  lost: '41',
  stolen: '43',
  restricted: '36',
};
const WRONG_PIN = '55';
const ARQC = 0x80;
const TC = 0x40;
const SWIPED = new Set(['02', '80', '90', '91']);
const CHIP = new Set(['05', '07']);
const OFFLINE_PIN_METHODS = new Set([1, 3, 4, 5]);

/** The bank behind the cards: knows their keys, PINs and status, and decides. */
export class Issuer {
  readonly #config: HostConfig;
  readonly #cards: ReadonlyMap<string, CardState>;
  readonly #touched = new Set<CardState>();

  constructor(config: HostConfig) {
    this.#config = config;
    this.#cards = new Map(
      config.cards.map((card) => [
        card.pan,
        { card, name: nameOf(card.pan), wrongPins: 0, highestAtc: -1, retried: undefined },
      ]),
    );
  }

  /** Card status, expiry, stripe, cryptogram, PIN and limit, in this order. `spendable`: what the ledger leaves. */
  decide(request: AuthorisationRequest, spendable: (card: IssuerCard, name: CardName) => number): Decision {
    const state = this.#cards.get(request.pan);
    if (state === undefined) return refuse('14', 'card unknown');
    this.#touched.add(state);
    const { card } = state;
    if (request.kind === 'advice') return this.#acceptAdvice(state, request);
    if (card.status !== 'active') return refuse(STATUS_CODE[card.status], `card ${card.status}`);
    const early = checkExpiry(card, request) ?? checkStripe(card, request);
    if (early !== undefined) return early;
    const chip = this.#checkChip(state, request, ARQC);
    if ('code' in chip) return chip;
    const withChip = (decision: Decision): Decision =>
      chip.verified === undefined ? decision : { ...decision, chip: chip.verified };
    const pin = this.#checkPin(state, request);
    state.retried = pin?.code === WRONG_PIN && 'cryptogram' in chip ? chip.cryptogram : undefined;
    if (pin !== undefined) return withChip(pin);
    return withChip(checkFunds(card, request, spendable(card, state.name)));
  }

  card(pan: string): IssuerCard | undefined {
    return this.#cards.get(pan)?.card;
  }

  /** The proof of an offline approval, sent apart: a bad one is flagged, the merchant bears it. */
  takeProof(pan: string | undefined, field55: Uint8Array | undefined): Decision {
    const card = pan === undefined ? undefined : this.card(pan);
    const chip = field55 === undefined ? undefined : readChipData(field55);
    if (card === undefined || chip === undefined) return refuse('30', 'card or chip data missing');
    const keys = card.keys === undefined ? undefined : this.#config.issuerKeys[card.keys];
    const right =
      keys !== undefined &&
      card.cryptogram !== undefined &&
      (chip.cid & 0xc0) === TC &&
      verifyCryptogram(card, card.cryptogram, keys.imkAc, chip) !== undefined;
    return right
      ? { code: '00', reason: 'proof taken' }
      : alarm('00', 'the proof of an offline approval is wrong');
  }

  /** How the books call the card: strangers share one name. */
  name(pan: string): CardName {
    return this.#cards.get(pan)?.name ?? { pan: maskPan(pan), card: 'unknown' };
  }

  /** What changed since the last call, for the store. */
  takeChanges(): readonly StoredRow[] {
    const rows = [...this.#touched].map(({ name, wrongPins, highestAtc, retried }): StoredRow => {
      return { kind: 'card', key: name.card, value: JSON.stringify({ wrongPins, highestAtc, retried }) };
    });
    this.#touched.clear();
    return rows;
  }

  /** Takes over PIN tries and counters that a store holds. */
  restoreFrom(store: HostStore): void {
    const byName = new Map([...this.#cards.values()].map((state) => [state.name.card, state]));
    for (const { key, value } of store.rows('card')) {
      const state = byName.get(key);
      if (state !== undefined) Object.assign(state, JSON.parse(value) as Partial<CardState>);
    }
  }

  /** Approved by the card already: only the proof can be wrong, and then the merchant bears it. */
  #acceptAdvice(state: CardState, request: AuthorisationRequest): Decision {
    const chip = this.#checkChip(state, request, TC);
    if (!('code' in chip)) return { code: '00', reason: 'advice' };
    return { code: '00', reason: `advice with a bad proof: ${chip.reason}`, alarm: true };
  }

  #checkChip(
    state: CardState,
    request: AuthorisationRequest,
    wanted: number,
  ): Decision | { readonly verified: VerifiedChip | undefined; readonly cryptogram?: string } {
    const { card } = state;
    const chipEntry = CHIP.has(request.entryMode.slice(0, 2));
    if (request.field55 === undefined) {
      return chipEntry ? refuse('30', 'chip entry without chip data') : { verified: undefined };
    }
    const chip = readChipData(request.field55);
    if (chip === undefined) return refuse('30', 'chip data unreadable');
    const keys = card.keys === undefined ? undefined : this.#config.issuerKeys[card.keys];
    if (keys === undefined || card.cryptogram === undefined)
      return alarm('59', 'chip data of a card without a chip');
    if (request.kind === 'credit' && (chip.cid & 0xc0) !== ARQC) return { verified: undefined };
    if ((chip.cid & 0xc0) !== wanted)
      return alarm('59', 'the cryptogram is of another type than the message');
    const method: CryptogramName = card.cryptogram;
    const verified = verifyCryptogram(card, method, keys.imkAc, chip);
    if (verified === undefined) return alarm('59', 'the cryptogram is wrong');
    if (request.kind !== 'inquiry' && chip.amountMinor !== request.amountMinor) {
      return alarm('59', 'the cryptogram is over another amount');
    }
    if (chip.currency !== this.#config.currency) return alarm('59', 'the cryptogram is in another currency');
    const again = chip.atc === state.highestAtc && toHex(chip.cryptogram) === state.retried;
    if (chip.atc <= state.highestAtc && wanted === ARQC && !again) {
      return alarm('59', 'the transaction counter went back');
    }
    state.highestAtc = Math.max(state.highestAtc, chip.atc);
    if (pinClaimedFalsely(method, chip.tags.get(0x9f34), chip.iad)) {
      return alarm('59', 'the terminal saw a right PIN and the card did not');
    }
    return { verified, cryptogram: toHex(chip.cryptogram) };
  }

  #checkPin(state: CardState, request: AuthorisationRequest): Decision | undefined {
    const { card } = state;
    if (request.pinBlock === undefined) return undefined;
    if (state.wrongPins >= this.#config.pinTries) return refuse('75', 'PIN tries exceeded');
    const clear = request.pinKeys.decipherPinBlock(request.pinBlock);
    const decoded = decodePinBlock({ format: 0, block: clear, pan: card.pan });
    clear.fill(0);
    if (decoded.kind === 'invalid') return refuse('99', `PIN block: ${decoded.reason}`);
    const right = card.pin !== undefined && samePin(decoded.pin, card.pin);
    decoded.pin.fill(0);
    if (right) {
      state.wrongPins = 0;
      return undefined;
    }
    state.wrongPins++;
    return state.wrongPins >= this.#config.pinTries
      ? refuse('75', 'PIN tries exceeded')
      : refuse(WRONG_PIN, `wrong PIN, ${this.#config.pinTries - state.wrongPins} left`);
  }
}

/** A configured card's name: a hash of a number that stands in the host file anyway. */
function nameOf(pan: string): CardName {
  return { pan: maskPan(pan), card: createHash('sha256').update(pan).digest('hex').slice(0, 12) };
}

function refuse(code: string, reason: string): Decision {
  return { code, reason };
}

function alarm(code: string, reason: string): Decision {
  return { code, reason, alarm: true };
}

function checkExpiry(card: IssuerCard, { expiry, today }: AuthorisationRequest): Decision | undefined {
  const valid = card.expiry ?? expiry;
  if (valid !== undefined && valid < today) return refuse('54', 'expired');
  if (card.expiry !== undefined && expiry !== undefined && card.expiry !== expiry) {
    return alarm('54', 'the expiry date is not that of the card');
  }
  return undefined;
}

/** A stripe that belongs to a chip card is read after a failed chip only, and says what was encoded. */
function checkStripe(card: IssuerCard, request: AuthorisationRequest): Decision | undefined {
  const mode = request.entryMode.slice(0, 2);
  if (!SWIPED.has(mode) || request.track2 === undefined) return undefined;
  const track = request.track2;
  const serviceCode = /^\d{1,19}=\d{4}(\d{3})/.exec(track)?.[1];
  if (serviceCode === undefined) return refuse('30', 'track unreadable');
  if (card.serviceCode !== undefined && serviceCode !== card.serviceCode) {
    return alarm('59', 'the service code is not that of the card');
  }
  if (card.track2 !== undefined && track.replace(/D/g, '=') !== card.track2) {
    return alarm('59', 'the track is not that of the card');
  }
  if (mode === '02' && /^[26]/.test(card.serviceCode ?? serviceCode))
    return refuse('45', 'a chip card was swiped');
  return undefined;
}

function checkFunds(card: IssuerCard, request: AuthorisationRequest, spendable: number): Decision {
  if (request.kind === 'debit' || request.kind === 'hold') {
    if (card.limit !== undefined && request.amountMinor > card.limit) return refuse('61', 'over the limit');
    if (request.amountMinor > spendable) return refuse('51', 'not enough funds');
  }
  return { code: '00', reason: 'approved' };
}

/** CVM results claim a good offline PIN that the card's own results deny (Murdoch et al., 2010). */
function pinClaimedFalsely(
  method: CryptogramName,
  cvmResults: Uint8Array | undefined,
  iad: Uint8Array,
): boolean {
  if (cvmResults === undefined || cvmResults.length !== 3) return false;
  const claimed = OFFLINE_PIN_METHODS.has((cvmResults[0] as number) & 0x3f) && cvmResults[2] === 2;
  if (!claimed) return false;
  if (method.startsWith('mchip')) return ((iad[2] as number) & 0x05) !== 0x05;
  return ((iad[4] as number) & 0x06) !== 0x04;
}

function samePin(entered: Uint8Array, known: string): boolean {
  if (entered.length !== known.length) return false;
  let difference = 0;
  for (let i = 0; i < known.length; i++) difference |= (entered[i] as number) ^ (known.charCodeAt(i) - 48);
  return difference === 0;
}
