/**
 * At most so many pieces of work begin in one turn of the event loop, the others in the next ones, in their order. After a stall all that callers have
 * waiting arrives at once: begun at once, it would count as under way together and be shed, although each of it takes no time; and until all of it is
 * answered nothing else would be heard. How long one may wait is for whoever asks. Work that comes alone costs a count, and each sixteenth a turn: what
 * is counted may be of several turns, so that a burst can begin with fewer, and never with more.
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
