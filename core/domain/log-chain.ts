/**
 * A log is a chain (rule 4): the first entry has index 0 and names no predecessor; each further one has the next index and names the hash of the
 * one before; nothing follows an entry that closes the log. This holds for every log: the approval service's, and each boot of a decision
 * service. Writers use `placeAfter`, readers `standing`, so a log that we write is one that we accept. Entries behind a gap, and what fills it
 * later: decision-log-gap.ts.
 */
import { type Digest, digest } from "./id.ts";

/** What the first entry names as its predecessor. */
export const NO_PREVIOUS: Digest = digest("0".repeat(64));

type LogPlace = { readonly index: bigint; readonly previous: Digest };

export type LogEntry = LogPlace & {
  readonly hash: Digest;
  /** Nothing follows it. */
  readonly closes: boolean;
};

/** A log as far as it is known. */
export type LogEnd = { readonly nextIndex: bigint; readonly lastHash: Digest; readonly closed: boolean };

/** Of a log without entries. */
export const BEGINNING: LogEnd = { nextIndex: 0n, lastHash: NO_PREVIOUS, closed: false };

export function endAfter({ index, hash, closes }: Omit<LogEntry, "previous">): LogEnd {
  return { nextIndex: index + 1n, lastHash: hash, closed: closes };
}

export function placeAfter({ nextIndex, lastHash }: LogEnd): LogPlace {
  return { index: nextIndex, previous: lastHash };
}

/**
 * `next`: follows. `known`: its index is taken; whether it repeats that entry or is another, only its hash says. `ahead`: what stands
 * between has not come. `chain_broken`: it names another predecessor. `log_closed`: nothing may stand there.
 */
export type Standing = "next" | "known" | "ahead" | "chain_broken" | "log_closed";

export function standing({ index, previous }: LogPlace, end: LogEnd): Standing {
  if (index < end.nextIndex) return "known";
  if (end.closed) return "log_closed";
  if (index > end.nextIndex) return "ahead";
  return previous === end.lastHash ? "next" : "chain_broken";
}

/**
 * Whether an entry that is `known` repeats the one that stands there, as far as that can be told: by the last hash, by those in `kept`, and
 * because what closes a log below its end cannot have stood there.
 */
export function repeats({ index, hash, closes }: LogEntry, end: LogEnd, kept: ReadonlyMap<bigint, Digest>): boolean {
  if (index === end.nextIndex - 1n) return hash === end.lastHash;
  const there = kept.get(index);
  return !closes && (there === undefined || there === hash);
}
