import { type IsoMessage, textField } from '../iso8583/message.ts';
import type { AnswerRule } from './config.ts';

/** Scripted answers: the rules that were set at run time come first, then those of the host file. */
export class AnswerRules {
  readonly #fixed: { readonly rule: AnswerRule; left: number }[];
  readonly #queue: { readonly rule: AnswerRule; left: number }[] = [];

  constructor(fixed: readonly AnswerRule[]) {
    this.#fixed = fixed.map((rule) => ({ rule, left: rule.times ?? Number.POSITIVE_INFINITY }));
  }

  /** Applies to the next message that fits, once unless the rule says how often. */
  add(rule: AnswerRule): void {
    this.#queue.push({ rule, left: rule.times ?? 1 });
  }

  clear(): void {
    this.#queue.length = 0;
  }

  /** The rule for this request, used up by one. @param pan of field 2 or the track */
  take(request: IsoMessage, pan: string | undefined): AnswerRule | undefined {
    for (const list of [this.#queue, this.#fixed]) {
      const at = list.findIndex(({ rule, left }) => left > 0 && fits(rule, request, pan));
      const entry = list[at];
      if (entry === undefined) continue;
      entry.left--;
      if (entry.left === 0) list.splice(at, 1);
      return entry.rule;
    }
    return undefined;
  }
}

function fits({ when }: AnswerRule, request: IsoMessage, pan: string | undefined): boolean {
  if (when === undefined) return true;
  const amount = textField(request, 4);
  return (
    (when.mti === undefined || when.mti === request.mti) &&
    (when.processingCode === undefined || when.processingCode === textField(request, 3)) &&
    (when.pan === undefined || when.pan === pan) &&
    (when.amountMinor === undefined || (amount !== undefined && when.amountMinor === Number(amount))) &&
    (when.tid === undefined || when.tid === textField(request, 41)) &&
    (when.stan === undefined || when.stan === textField(request, 11))
  );
}
