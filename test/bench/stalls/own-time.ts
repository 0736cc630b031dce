/**
 * How much of a stretch of time in which the event loop did not come round was our own code's: all of it, but for what is known to be another's. A
 * call of the system that blocks is ours, though it takes no processor time.
 *
 * Another's are: waiting for events (an idle loop, even if it was woken late), pauses for collecting garbage, and waiting for a core that others had.
 * The three may overlap, and how much nobody says: then as much as possible is taken to be counted twice. A thread that was never off its core in the
 * system's eyes has called nothing that blocks; what it lacks of processor time was taken from the whole machine.
 */
export type Stretch = {
  readonly wallMs: number;
  /** Processor time of the main thread. */
  readonly cpuMs: number;
  /** In which the loop waited for events. */
  readonly idleMs: number;
  readonly gcMs: number;
  /** In which the thread could have run and had no core. */
  readonly queuedMs: number;
  /** How often it was given a core anew. */
  readonly switches: number;
};

export function ownTime({ wallMs, cpuMs, idleMs, gcMs, queuedMs, switches }: Stretch): number {
  const elsewhere = idleMs + gcMs;
  const own = wallMs - elsewhere - Math.max(0, queuedMs - elsewhere);
  return Math.max(0, switches === 0 ? Math.min(own, cpuMs) : own);
}
