/** Keeps the logs of a set from filling the disk: one that has grown too long goes on empty, and what it said before stands beside it in `.1`. */
import { createReadStream, createWriteStream } from "node:fs";
import { rm, stat, truncate } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";

const MAX_BYTES = 64 * 1024 * 1024;
const LOOK_EVERY_MS = 5_000;

/**
 * Of these files alone, since in the folder may lie what is somebody else's. The programs go on writing to the same file, which is open for appending. NB: a line that is written between
 * the copy and the cut is lost; these logs are for people, the record of decisions is the audit stream. Resolves when `signal` is aborted.
 */
export async function keepLogsBounded(
  logs: readonly string[],
  signal: AbortSignal,
  { maxBytes = MAX_BYTES, everyMs = LOOK_EVERY_MS }: { readonly maxBytes?: number; readonly everyMs?: number } = {},
): Promise<void> {
  while (!signal.aborted) {
    for (const log of logs) await cutWhenLong(log, maxBytes).catch(() => {}); // tried again
    await sleep(everyMs, undefined, { signal }).catch(() => {});
  }
}

/** What is kept is no longer than what was allowed, and goes before the disk is full. */
async function cutWhenLong(path: string, maxBytes: number): Promise<void> {
  const kept = `${path}.1`;
  const { size } = await stat(path);
  if (size <= maxBytes) return;
  try {
    const last = createReadStream(path, { start: size - maxBytes });
    await pipeline(last, createWriteStream(kept, { mode: 0o600 }));
  } catch {
    await rm(kept, { force: true });
  }
  await truncate(path);
}
