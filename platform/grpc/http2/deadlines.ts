/**
 * Deadlines of very many calls by one timer, which runs only while there are any: a timer for each would cost too much.
 *
 * NB: in an array, each at its place, and not in a Set or a Map, which would make every call old (platform/passing-map.ts).
 */

/** How late a deadline may be seen. */
const TICK_MS = 20;

type Due = {
  /** Monotonic; may change while it is kept. */
  readonly dueMs: number;
  /** Called once, after which it is no longer kept. Must not throw. */
  expire(): void;
  /** Of whoever keeps it; undefined while nobody does. */
  place?: number | undefined;
};

export type Deadlines = { add(due: Due): void; remove(due: Due): void };

export function createDeadlines({ monotonicMs }: { readonly monotonicMs: () => number }): Deadlines {
  const kept: Due[] = [];
  let timer: NodeJS.Timeout | undefined;

  /** The last one takes its place. */
  function remove(due: Due): void {
    const { place } = due;
    if (place === undefined) return;
    due.place = undefined;
    const last = kept.pop();
    if (last === undefined || last === due) return;
    last.place = place;
    kept[place] = last;
  }

  /** From the end: whoever takes a place was looked at before, or was added meanwhile. */
  function tick(): void {
    const nowMs = monotonicMs();
    for (let place = kept.length - 1; place >= 0; place -= 1) {
      const due = kept[place];
      if (due === undefined || due.dueMs > nowMs) continue;
      remove(due);
      due.expire();
    }
    // Not when the last one goes: under load that would be a timer for each call after all.
    if (kept.length > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  return {
    add(due) {
      if (due.place !== undefined) return;
      due.place = kept.push(due) - 1;
      timer ??= setInterval(tick, TICK_MS).unref();
    },
    remove,
  };
}
