import type { CardInterface, StripeTracks } from '../../src/ports/index.ts';

/** One interface of an emulated card: a pure, synchronous machine from command to answer. */
export interface CardFace {
  readonly interface: Exclude<CardInterface, 'stripe'>;
  /** Answer to reset, or ATS of a contactless card. */
  readonly answerToReset: Uint8Array;
  /** Powers the card up: what it kept in volatile memory is gone. */
  reset(): void;
  /**
   * Answers one command; any bytes get an answer. Fewer than two bytes stand for a card that gave none (replay
   * cards only).
   */
  respond(command: Uint8Array): Uint8Array;
}

/** What survives a power cut, as plain JSON. */
export interface CardState {
  readonly cardBlocked: boolean;
  readonly pin?: { readonly triesLeft: number; readonly changedTo?: string };
  /** By AID in hex: both interfaces of an application share one state. */
  readonly applications: Readonly<Record<string, ApplicationState>>;
}

export interface ApplicationState {
  readonly atc: number;
  readonly lastOnlineAtc: number;
  readonly blocked: boolean;
  /** Offline approvals in a row, and their sum in minor units. */
  readonly consecutiveOffline: number;
  readonly cumulativeMinor: number;
  readonly onlineNotCompleted: boolean;
  readonly issuerAuthenticationFailed: boolean;
  readonly scriptCount: number;
  readonly scriptFailed: boolean;
  /** Contactless: the ARQC (hex) whose issuer may still reach the card at a second presentment, and its number. */
  readonly waitsForIssuer?: { readonly arqc: string; readonly unpredictable: string } | undefined;
  /** Objects that scripts changed: tag to value, both in hex. */
  readonly changed: Readonly<Record<string, string>>;
}

/** A card, or another payment means, as the virtual reader and the simulators take it. */
export interface EmulatedCard {
  readonly kind: 'icc' | 'magstripe' | 'replay';
  readonly contact?: CardFace;
  readonly contactless?: CardFace;
  readonly tracks?: StripeTracks;
  state(): CardState;
  /** Takes over a state that {@link EmulatedCard.state} gave. */
  restore(state: CardState): void;
}
