/** Deadlines of very many calls by one timer, which runs only while there are any: a timer for each would cost too much. */

/** How late a deadline may be seen. */
const TICK_MS = 20;

type Due = {
  /** Monotonic; may change while it is kept. */
  readonly dueMs: number;
  /** Called once, after which it is no longer kept. Must not throw. */
  expire(): void;
};

export type Deadlines = { add(due: Due): void; remove(due: Due): void };

export function createDeadlines({ monotonicMs }: { readonly monotonicMs: () => number }): Deadlines {
  const kept = new Set<Due>();
  let timer: NodeJS.Timeout | undefined;

  function tick(): void {
    const nowMs = monotonicMs();
    for (const due of kept) {
      if (due.dueMs > nowMs) continue;
      kept.delete(due);
      due.expire();
    }
    // Not when the last one goes: under load that would be a timer for each call after all.
    if (kept.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  return {
    add(due) {
      kept.add(due);
      timer ??= setInterval(tick, TICK_MS).unref();
    },
    remove: (due) => void kept.delete(due),
  };
}
