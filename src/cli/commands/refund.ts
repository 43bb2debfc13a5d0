import { cardStep } from '../card-step.ts';

/** `possum refund` */
export function main(argv: readonly string[]): Promise<number> {
  return cardStep('refund', argv);
}
