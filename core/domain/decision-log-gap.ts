/**
 * Entries of a decision log that come after those behind them: a batch that was set aside and is replayed, or one that the stream
 * delivered late. Those that a gap waits for are taken when they fit between the hashes at its two ends; a gap that is filled
 * in part leaves what is still missing.
 */
import type { Digest } from "./id.ts";

/** Entries `from` to `before` (exclusive) that never came. The hashes at both ends are undefined where they were not kept. */
export type DecisionLogGap = {
  readonly from: bigint;
  readonly before: bigint;
  /** Hash of the entry before the gap. */
  readonly after: Digest | undefined;
  /** What the entry behind the gap names as its predecessor. */
  readonly next: Digest | undefined;
};

type Entry = { readonly index: bigint; readonly previous: Digest; readonly hash: Digest };

export type FilledGaps<E extends Entry> =
  | {
      readonly kind: "filled";
      /** Those entries that were missing. */
      readonly taken: readonly E[];
      readonly closed: readonly DecisionLogGap[];
      readonly left: readonly DecisionLogGap[];
    }
  | { readonly kind: "refused"; readonly reason: "chain_broken" };

/** `entries` are consecutive and hang together; those that no gap waits for are not looked at. */
export function fillGaps<E extends Entry>(gaps: readonly DecisionLogGap[], entries: readonly E[]): FilledGaps<E> {
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

function fits(gap: DecisionLogGap, first: Entry, last: Entry): boolean {
  const begins = first.index > gap.from || gap.after === undefined || first.previous === gap.after;
  const ends = last.index + 1n < gap.before || gap.next === undefined || last.hash === gap.next;
  return begins && ends;
}
