/**
 * Entries of a decision log that arrive after later ones: a replayed batch from the quarantine, or one that the stream delivered late. Entries
 * that a gap is missing are taken if they fit between the hashes at its two ends; a partly filled gap leaves what is still missing.
 */
import type { Digest } from "./id.ts";
import { endAfter, type LogEntry, standing } from "./log-chain.ts";

/** Missing entries `from` to `before` (exclusive). The hashes at both ends are undefined if they were not kept. */
export type DecisionLogGap = {
  readonly from: bigint;
  readonly before: bigint;
  /** Hash of the entry before the gap. */
  readonly after: Digest | undefined;
  /** What the entry behind the gap names as its predecessor. */
  readonly next: Digest | undefined;
};

type FilledGaps<E extends LogEntry> =
  | {
      readonly kind: "filled";
      /** Those entries that were missing. */
      readonly taken: readonly E[];
      readonly closed: readonly DecisionLogGap[];
      readonly left: readonly DecisionLogGap[];
    }
  | { readonly kind: "refused"; readonly reason: "chain_broken" };

/** `entries` are consecutive and chained; those that no gap waits for are ignored. */
export function fillGaps<E extends LogEntry>(gaps: readonly DecisionLogGap[], entries: readonly E[]): FilledGaps<E> {
  const taken: E[] = [];
  const closed: DecisionLogGap[] = [];
  const left: DecisionLogGap[] = [];
  for (const gap of gaps) {
    const late = entries.filter(({ index }) => index >= gap.from && index < gap.before);
    const [first, last] = [late[0], late.at(-1)];
    if (first === undefined || last === undefined) continue;
    if (!fits(gap, first, last)) return { kind: "refused", reason: "chain_broken" };
    closed.push(gap);
    if (first.index > gap.from) left.push({ ...gap, before: first.index, next: first.previous });
    const rest = last.index + 1n;
    if (rest < gap.before) left.push({ ...gap, from: rest, after: last.hash });
    taken.push(...late);
  }
  return { kind: "filled", taken, closed, left };
}

/** Where a hash was not kept, any is accepted. */
function fits({ from, before, after, next }: DecisionLogGap, first: LogEntry, last: LogEntry): boolean {
  const begins = standing(first, { nextIndex: from, lastHash: after ?? first.previous, closed: false });
  const ends = standing({ index: before, previous: next ?? last.hash }, endAfter(last));
  return [begins, ends].every((one) => one === "next" || one === "ahead");
}
