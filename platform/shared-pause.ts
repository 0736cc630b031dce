/**
 * Splits long work of many callers into pieces: in one turn of the event loop all of them together take `PER_TURN_MS` and at most one piece more
 * (twice that in the turn in which they begin), and whatever else waits for the loop gets its turn. (With a pause for each, as in pause.ts, n of
 * them would hold a turn n times as long.) Pieces run in the order in which they were awaited, so that each of many goes on as fast as the
 * others. What a piece does after it has waited for something outside, a disk or a network, is not counted.
 */
export type Pause = () => Promise<void>;

const PER_TURN_MS = 2;

/** Call it before each piece. */
export function createSharedPause(
  { monotonicMs }: { readonly monotonicMs: () => number },
  { perTurnMs = PER_TURN_MS }: { readonly perTurnMs?: number } = {},
): Pause {
  const waiting: (() => void)[] = [];
  let spentMs = 0;
  let isAtWork = false;
  let isNextDue = false;

  function begin(piece: () => void): void {
    isAtWork = true;
    const begunMs = monotonicMs();
    piece();
    // Ticks come when no promise is left to go on with: behind all that the piece does by itself.
    queueMicrotask(() =>
      process.nextTick(() => {
        isAtWork = false;
        spentMs += monotonicMs() - begunMs;
        takeNext();
      }),
    );
    if (isNextDue) return;
    isNextDue = true;
    setImmediate(nextTurn);
  }

  function takeNext(): void {
    if (isAtWork || spentMs >= perTurnMs) return;
    const piece = waiting.shift();
    if (piece !== undefined) begin(piece);
  }

  function nextTurn(): void {
    isNextDue = false;
    spentMs = 0;
    takeNext();
  }

  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      takeNext();
    });
}
