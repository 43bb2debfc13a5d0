import { cardStep } from '../card-step.ts';

/** `possum sale` */
export function main(argv: readonly string[]): Promise<number> {
  return cardStep('sale', argv);
}
