/** A moment that may not be passed, counted on a monotonic clock. */

type Deadline = {
  leftMs(): number;
  /** The earlier of this one and `ms` from now. */
  within(ms: number): Deadline;
};

export function deadlineIn(ms: number, monotonicMs: () => number): Deadline {
  const end = monotonicMs() + ms;
  const leftMs = () => end - monotonicMs();
  return { leftMs, within: (shorter) => deadlineIn(Math.min(shorter, leftMs()), monotonicMs) };
}
