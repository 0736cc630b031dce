/**
 * Lets at most so many pieces of work begin in one turn of the event loop, the others in later ones, in order. After a stall, everything that
 * callers have waiting arrives at once: begun together, it would count as concurrent and be shed, although each piece takes no time; and until
 * all of it was answered, nothing else would run. How long a piece may wait is up to its caller. Work that comes alone costs a count, and each
 * sixteenth a turn: counted work may be of several turns, so a burst can begin with fewer, never with more.
 */
/** A few milliseconds of checks: as they arrive, and once more behind them. Fewer cost more for each; more are no cheaper. */
const PER_TURN = 16;

export type Turns = {
  /** Calls `begin` at once, or in a later turn. */
  take(begin: () => void): void;
  /** For who can wait: undefined when it may begin at once, otherwise whether it may when that resolves: no when too many wait. */
  wait(): Promise<boolean> | undefined;
};

export function createTurns({ perTurn = PER_TURN, maxWaiting = Number.POSITIVE_INFINITY } = {}): Turns {
  const waiting: (() => void)[] = [];
  let begun = 0;

  function nextTurn(): void {
    begun = 0;
    for (const begin of waiting.splice(0, perTurn)) start(begin);
  }

  function start(begin: () => void): void {
    count();
    begin();
  }

  function count(): void {
    begun += 1;
    if (begun === perTurn) setImmediate(nextTurn);
  }

  const isFree = () => begun < perTurn && waiting.length === 0;

  return {
    take(begin) {
      if (isFree()) start(begin);
      else waiting.push(begin);
    },
    wait() {
      if (isFree()) {
        count();
        return undefined;
      }
      if (waiting.length >= maxWaiting) return TOO_MANY;
      return new Promise((resolve) => waiting.push(() => resolve(true)));
    },
  };
}

const TOO_MANY = Promise.resolve(false);
