/**
 * Time and identifiers of a process: the only place (with main.ts and tests) that asks the system for them. Everything else takes `now`
 * as a parameter, so that rules about time can be tested without waiting.
 */
import { randomBytes } from "node:crypto";

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
  const bytes = randomBytes(16);
  bytes.writeUIntBE(wallMs, 0, 6);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
