import { parseTlv } from '../tlv/ber.ts';
import { getDataCommand } from './commands.ts';
import { faultOutcome, type KernelContext } from './kernel.ts';
import type { Outcome } from './transaction.ts';

export type GetDataResult =
  | { readonly kind: 'value'; readonly value: Uint8Array }
  /** The card does not give this object. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'outcome'; readonly outcome: Outcome };

/** GET DATA (Book 3, section 6.5.7): puts a primitive object into the store. */
export async function getDataObject(context: KernelContext, tag: number): Promise<GetDataResult> {
  const answer = await context.card.send(getDataCommand(tag));
  if (answer.kind === 'fault') return { kind: 'outcome', outcome: faultOutcome(context, answer.fault) };
  if (answer.sw !== 0x9000) return { kind: 'absent' };
  const parsed = parseTlv(answer.data);
  const item = parsed.ok && parsed.items.length === 1 ? parsed.items[0] : undefined;
  if (item?.tag !== tag || item.children !== undefined) return { kind: 'absent' };
  context.data.set(tag, item.value);
  return { kind: 'value', value: item.value };
}
