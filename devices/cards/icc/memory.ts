import { pinFromText, pinToText } from '../../../src/crypto/pin-block.ts';
import type { ApplicationState, CardState } from '../card.ts';
import type { IccFile } from '../schema.ts';
import type { Application } from './profile.ts';

export type ApplicationMemory = { -readonly [K in keyof ApplicationState]: ApplicationState[K] };

export interface PinMemory {
  digits: Uint8Array;
  changed: boolean;
  triesLeft: number;
  readonly tries: number;
}

/** The non-volatile memory of a chip, shared by its interfaces. */
export interface CardMemory {
  cardBlocked: boolean;
  readonly pin: PinMemory | undefined;
  readonly applications: Map<string, ApplicationMemory>;
}

/** The memory of a freshly personalised card. */
export function createMemory(file: IccFile, applications: readonly Application[]): CardMemory {
  const byAid = new Map<string, ApplicationMemory>();
  for (const { aidHex, file: application } of applications) {
    if (byAid.has(aidHex)) continue;
    byAid.set(aidHex, {
      atc: application.atc,
      lastOnlineAtc: application.lastOnlineAtc,
      blocked: application.blocked,
      consecutiveOffline: 0,
      cumulativeMinor: 0,
      onlineNotCompleted: false,
      issuerAuthenticationFailed: false,
      scriptCount: 0,
      scriptFailed: false,
      changed: {},
    });
  }
  const { pin } = file;
  return {
    cardBlocked: file.cardBlocked,
    pin:
      pin === undefined
        ? undefined
        : {
            digits: pinFromText(pin.value),
            changed: false,
            triesLeft: Math.min(pin.triesLeft ?? pin.tries, pin.tries),
            tries: pin.tries,
          },
    applications: byAid,
  };
}

/** A copy as plain JSON. */
export function saveMemory(memory: CardMemory): CardState {
  const { pin } = memory;
  return {
    cardBlocked: memory.cardBlocked,
    ...(pin && {
      pin: { triesLeft: pin.triesLeft, ...(pin.changed && { changedTo: pinToText(pin.digits) }) },
    }),
    applications: Object.fromEntries(
      [...memory.applications].map(([aid, state]) => [aid, { ...state, changed: { ...state.changed } }]),
    ),
  };
}

/** Takes over a saved state; applications that the card does not have are ignored. */
export function loadMemory(memory: CardMemory, state: CardState): void {
  memory.cardBlocked = state.cardBlocked;
  if (memory.pin !== undefined && state.pin !== undefined) {
    memory.pin.triesLeft = state.pin.triesLeft;
    if (state.pin.changedTo !== undefined) {
      memory.pin.digits = pinFromText(state.pin.changedTo);
      memory.pin.changed = true;
    }
  }
  for (const [aid, application] of memory.applications) {
    Object.assign(application, structuredClone(state.applications[aid]));
  }
}
