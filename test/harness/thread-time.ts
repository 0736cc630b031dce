/** Processor time in place of time on the clock, for limits on what is done in one go: a busy machine makes the one longer, and not the other. */

const TRIES = 3;

/**
 * Processor time that this thread has taken, in microseconds. NB: Linux adds to what it tells of a thread at the machine's next tick, some 4 ms
 * later, so that what takes less would be told as nothing or as 4 ms. To be asked for the whole process has it added at once.
 */
export function threadUs(): number {
  process.cpuUsage();
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

/**
 * Milliseconds of processor time of this thread that `work` takes; the least of three runs at most. NB: a thread that shares its core counts
 * more for the same work, caches that others use included, so what took `limitMs` is measured again. What takes too long does so each time.
 */
export function threadMs(limitMs: number, work: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < TRIES && least >= limitMs; tries += 1) {
    const before = threadUs();
    work();
    least = Math.min(least, (threadUs() - before) / 1_000);
  }
  return least;
}
