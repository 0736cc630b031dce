/** Waits for a condition, with a deadline whose error names what was awaited: tests use it instead of sleeping. */
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Resolves with the first value that is neither undefined nor false. Rejects after `deadlineMs`, naming `what`. A throw is passed on.
 * `everyMs`: longer where a probe takes the processor time that what it waits for needs.
 */
export async function waitUntil<T>(
  what: string,
  deadlineMs: number,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  { everyMs = 15 }: { readonly everyMs?: number } = {},
): Promise<T> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`waited ${deadlineMs} ms in vain for ${what}`);
    await sleep(everyMs);
  }
}
