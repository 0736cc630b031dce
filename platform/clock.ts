/**
 * Time and identifiers of a process: the only place (with main.ts and tests) that asks the system for them. Everything else takes `now` as a
 * parameter, so that rules about time can be tested without waiting.
 */
import { randomUUID } from "node:crypto";

export interface Clock {
  /** Wall clock, milliseconds since 1970. May jump in both directions. */
  wallMs(): number;
  /** Milliseconds since an arbitrary moment of this process; never goes back, not comparable between processes. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

/** A UUID of version 7 (RFC 9562 section 5.7): 48 bits of milliseconds, then 74 random bits. Sorts by creation time, roughly. */
export function uuidv7(wallMs: number = Date.now()): string {
  if (wallMs !== begun.atMs) begun = { atMs: wallMs, text: beginning(wallMs) };
  // The random bits and the variant of a version 4, which Node draws from a pool: one call of the system for 128 of them.
  return begun.text + randomUUID().slice(15);
}

/** The last one: several are made within a millisecond. */
let begun = { atMs: Number.NaN, text: "" };

function beginning(wallMs: number): string {
  const time = Math.trunc(wallMs).toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7`;
}
