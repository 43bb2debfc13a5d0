import { PossumError } from '../platform/errors.ts';

/** One side of an entry: debits are positive, credits negative, minor units. */
export interface Posting {
  readonly account: string;
  readonly amountMinor: number;
}

export interface LedgerEntry {
  readonly id: number;
  readonly atMs: number;
  /** e.g. `sale`, `reversal of 12` */
  readonly what: string;
  readonly postings: readonly Posting[];
  /** The entry that this one undoes. */
  readonly undoes?: number;
}

/** A card without its number: masked for people, and a name that keeps apart those that look alike. */
export interface CardName {
  readonly pan: string;
  readonly card: string;
}

/** Accounts of the host's books. */
export const account = {
  customer: ({ pan, card }: CardName) => `customer/${pan}/${card}`,
  merchant: (tid: string) => `merchant/${tid}`,
  clearing: 'clearing',
} as const;

/** Books in double entry: every entry sums to zero, and nothing is ever changed, only undone by another entry. */
export class Ledger {
  readonly #entries: LedgerEntry[] = [];
  readonly #balances = new Map<string, number>();
  readonly #undone = new Set<number>();

  /** @throws PossumError `INTERNAL` when the postings do not sum to zero or are no whole minor units */
  post(atMs: number, what: string, postings: readonly Posting[], undoes?: number): number {
    const sum = postings.reduce((total, { amountMinor }) => total + amountMinor, 0);
    if (sum !== 0 || postings.some(({ amountMinor }) => !Number.isSafeInteger(amountMinor))) {
      throw new PossumError('INTERNAL', `ledger entry "${what}" does not balance`);
    }
    const id = this.#entries.length + 1;
    this.#entries.push({ id, atMs, what, postings, ...(undoes === undefined ? {} : { undoes }) });
    for (const { account: name, amountMinor } of postings) {
      this.#balances.set(name, this.balance(name) + amountMinor);
    }
    return id;
  }

  /** Moves `amountMinor` from one account to another. @returns the number of the entry */
  move(atMs: number, what: string, from: string, to: string, amountMinor: number): number {
    return this.post(atMs, what, [
      { account: from, amountMinor },
      { account: to, amountMinor: -amountMinor },
    ]);
  }

  /** Posts the opposite of entry `id`. @throws PossumError `STATE` when that was done before */
  undo(atMs: number, id: number, what: string): number {
    const entry = this.#entries[id - 1];
    if (entry === undefined || this.#undone.has(id)) {
      throw new PossumError('STATE', `ledger entry ${id} cannot be undone (again)`);
    }
    this.#undone.add(id);
    const opposite = entry.postings.map(({ account: name, amountMinor }) => ({
      account: name,
      amountMinor: -amountMinor,
    }));
    return this.post(atMs, what, opposite, id);
  }

  /** Takes over entries that were stored, in their order. */
  restore(entries: readonly LedgerEntry[]): void {
    for (const { atMs, what, postings, undoes } of entries) {
      if (undoes !== undefined) this.#undone.add(undoes);
      this.post(atMs, what, postings, undoes);
    }
  }

  balance(name: string): number {
    return this.#balances.get(name) ?? 0;
  }

  entries(): readonly LedgerEntry[] {
    return this.#entries;
  }

  /** Every balance that was ever touched. */
  balances(): ReadonlyMap<string, number> {
    return this.#balances;
  }
}
