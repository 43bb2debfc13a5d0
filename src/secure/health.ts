import type { Clock, Timer } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import type { Trace } from '../platform/trace.ts';
import { watchRandom } from './health-random.ts';
import { FURTHER_ANSWERS, firstWrong, POWER_UP_ANSWERS } from './self-test.ts';

/** Whether the module may be used: known answers, stored keys, random source. */
export interface Health {
  /** The source, watched. */
  readonly random: Random;
  /** What failed; `undefined` while all is well. Once something failed it stays so until the next start. */
  fault(): string | undefined;
  /** Runs every test now. @returns as {@link fault} */
  test(): string | undefined;
  /** Tests the algorithms that not every request needs, unless they were tested already. */
  testFurther(): void;
  /** Ends the tests. */
  close(): void;
}

/** What else is tested once a day. @returns what failed */
export type HealthCheck = () => string | undefined;

/**
 * The longer half of the self-test waits until the terminal has had time to serve whoever switched it on, or until
 * what it tests is to be used (as FIPS 140-3 lets a conditional self-test).
 */
const FIRST_TEST_MS = 60_000;
const NEXT_TEST_MS = 24 * 3_600_000;

/**
 * Tests at once what every request needs, the rest after a minute or before its first use, and all of it every 24
 * hours.
 * @param checks of stored keys
 */
export function watchHealth(
  { clock, trace }: { readonly clock: Clock; readonly trace: Trace },
  source: Random,
  checks: readonly HealthCheck[],
): Health {
  let known: string | undefined;
  const report = (found: string | undefined): string | undefined => {
    if (known === undefined && found !== undefined) {
      known = found;
      trace.emit({ kind: 'alarm', what: `out of service: ${found}` });
      trace.emit({ kind: 'state', part: 'secure module', to: 'out of service', detail: found });
    }
    return known;
  };
  const random = watchRandom(source);
  const fault = () => report(known ?? random.fault());
  let isFurtherTested = false;
  const wrongFurther = () => {
    isFurtherTested = true;
    return nameOf(firstWrong(FURTHER_ANSWERS));
  };
  const test = () =>
    report(
      known ??
        nameOf(firstWrong(POWER_UP_ANSWERS)) ??
        wrongFurther() ??
        random.fault() ??
        firstFailing(checks),
    );
  let timer: Timer;
  const testIn = (ms: number) => {
    timer = clock.after(
      ms,
      () => {
        test();
        testIn(NEXT_TEST_MS);
      },
      { background: true },
    );
  };
  report(nameOf(firstWrong(POWER_UP_ANSWERS)) ?? random.fault());
  testIn(FIRST_TEST_MS);
  return {
    random,
    fault,
    test,
    testFurther() {
      if (!isFurtherTested) report(wrongFurther());
    },
    close: () => timer.cancel(),
  };
}

function nameOf(algorithm: string | undefined): string | undefined {
  return algorithm === undefined ? undefined : `the self-test of ${algorithm} failed`;
}

/** A check that cannot be made has not passed. */
function firstFailing(checks: readonly HealthCheck[]): string | undefined {
  for (const check of checks) {
    try {
      const found = check();
      if (found !== undefined) return found;
    } catch (cause) {
      return `a self-test could not be made: ${cause instanceof Error ? cause.message : String(cause)}`;
    }
  }
  return undefined;
}
