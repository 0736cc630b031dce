/**
 * Signatures are verified on the thread that answers everybody, and an invalid one costs as much as a valid one: up to a millisecond with ES384
 * or ES512. So that many unknown tokens do not delay callers with cached ones, one turn of the event loop spends `PER_TURN_MS` on them and at
 * most one signature more. Further ones wait for a later turn, in order; each turn takes at least one, so that none waits forever. The number of
 * waiting tokens is bounded; beyond that the caller is told so.
 *
 * The first one waits for the next turn, too: tokens that arrived together are verified together and go on together, which makes a check with a
 * new token cheaper than verifying each as it arrives.
 */
export type SignatureTurns = {
  /** The same function; what it takes counts. */
  timed<A extends readonly unknown[], T>(verify: (...about: A) => T): (...about: A) => T;
  /** Calls `work` once, in a later turn, and answers what it answers, or rejects with what it throws. Undefined: too many wait. */
  wait<T>(work: () => T): Promise<T> | undefined;
};

/** About what as many checks take as begin in one turn (platform/turns.ts): half of the time is theirs, however many tokens are new. */
const PER_TURN_MS = 1;
/** What was waited for may be known by then; but each goes on with what comes behind its signature. */
const MOST_PER_TURN = 16;

export function createSignatureTurns(
  { monotonicMs }: { readonly monotonicMs: () => number },
  { maxWaiting, perTurnMs = PER_TURN_MS }: { readonly maxWaiting: number; readonly perTurnMs?: number },
): SignatureTurns {
  const waiting: (() => void)[] = [];
  let spentMs = 0;
  let isNextDue = false;

  function nextTurn(): void {
    isNextDue = false;
    spentMs = 0;
    for (let taken = 0; taken < MOST_PER_TURN && spentMs < perTurnMs; taken += 1) waiting.shift()?.();
    if (waiting.length > 0) untilNext();
  }

  function untilNext(): void {
    if (isNextDue) return;
    isNextDue = true;
    setImmediate(nextTurn);
  }

  return {
    timed:
      (verify) =>
      (...about) => {
        const begun = monotonicMs();
        try {
          return verify(...about);
        } finally {
          spentMs += monotonicMs() - begun;
        }
      },
    wait(work) {
      if (waiting.length >= maxWaiting) return undefined;
      untilNext();
      return new Promise((resolve, reject) => {
        waiting.push(() => {
          try {
            resolve(work());
          } catch (error) {
            reject(error);
          }
        });
      });
    },
  };
}
