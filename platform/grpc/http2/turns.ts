/**
 * At most so many calls begin in one turn of the event loop, the others in the next ones, in their order. After a stall all that callers have
 * waiting arrives at once: begun at once, it would count as under way together and be shed, although each of it takes no time; and until all of it is
 * answered nothing else would be heard. How long one may wait is for call.ts.
 */
/** A few milliseconds of checks: as they arrive, and once more behind them. Fewer cost more for each; more are no cheaper. */
const PER_TURN = 16;

export type Turns = (begin: () => void) => void;

export function createTurns(perTurn = PER_TURN): Turns {
  const waiting: (() => void)[] = [];
  let begun = 0;

  function nextTurn(): void {
    begun = 0;
    for (const begin of waiting.splice(0, perTurn)) start(begin);
  }

  function start(begin: () => void): void {
    if (begun === 0) setImmediate(nextTurn);
    begun += 1;
    begin();
  }

  return (begin) => {
    if (begun < perTurn && waiting.length === 0) start(begin);
    else waiting.push(begin);
  };
}
