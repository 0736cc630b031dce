/** Processor time in place of time on the clock, for limits on what is done in one go: a busy machine makes the one longer, and not the other. */

const TRIES = 3;

/**
 * Milliseconds of processor time of this thread that `work` takes; the least of three runs at most. NB: a thread that shares its core counts
 * more for the same work, caches that others use included, so what took `limitMs` is measured again. What takes too long does so each time.
 */
export function threadMs(limitMs: number, work: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < TRIES && least >= limitMs; tries += 1) {
    const before = process.threadCpuUsage();
    work();
    const { user, system } = process.threadCpuUsage(before);
    least = Math.min(least, (user + system) / 1_000);
  }
  return least;
}
