/**
 * Takes one batch of a decision service's log, in which the edge has checked signature, shape and the chain inside the
 * batch. Here it is held against what was read of that log before: entries known already are dropped (delivery is at least
 * once), the next one must name the hash of the last one, and what is missing in between is marked as a gap for ever. An
 * entry after a gap is evidence too: it is taken, and the audit stream shows the gap.
 */
import type { Digest } from "../../../core/domain/id.ts";
import type { DecisionEntry, DecisionLogState, StreamPosition, Transactions } from "../ports.ts";

export type RecordDecisions = {
  /** Consecutive entries of one log, at least one. */
  readonly entries: readonly [DecisionEntry, ...DecisionEntry[]];
  readonly position: StreamPosition;
};

export type RecordOutcome =
  | { readonly kind: "recorded"; readonly taken: number; readonly known: number; readonly missing: bigint }
  /** Nothing was stored and the offset has not moved: quarantine it. */
  | { readonly kind: "refused"; readonly reason: "chain_broken" | "log_closed" };

/** What the first entry of a log names as its predecessor. */
const NOTHING_BEFORE = /^0{64}$/;

export function createRecordDecisions({ store }: { readonly store: Transactions }) {
  return ({ entries, position }: RecordDecisions): Promise<RecordOutcome> =>
    store.transaction(async (tx): Promise<RecordOutcome> => {
      const [{ logId }] = entries;
      const before = await tx.decisionLogs.lock(logId);
      const nextIndex = before?.nextIndex ?? 0n;
      const fresh = entries.filter((entry) => entry.index >= nextIndex);
      const known = entries.length - fresh.length;
      const [first] = fresh;
      if (first === undefined) {
        await tx.offsets.advance(position);
        return { kind: "recorded", taken: 0, known, missing: 0n };
      }
      if (before !== undefined && before.closed !== "no") return { kind: "refused", reason: "log_closed" };
      if (first.index === nextIndex && !follows(first.previous, before)) {
        return { kind: "refused", reason: "chain_broken" };
      }
      const missing = first.index - nextIndex;
      if (missing > 0n) await tx.decisionLogs.recordGap(logId, nextIndex, first.index);
      await tx.decisionLogs.append(fresh);
      await tx.decisionLogs.save(stateAfter(fresh, first));
      await tx.offsets.advance(position);
      return { kind: "recorded", taken: fresh.length, known, missing };
    });
}

function follows(previous: Digest, before: DecisionLogState | undefined): boolean {
  return before === undefined ? NOTHING_BEFORE.test(previous) : previous === before.lastHash;
}

function stateAfter(fresh: readonly DecisionEntry[], first: DecisionEntry): DecisionLogState {
  const last = fresh.at(-1) ?? first;
  return {
    logId: last.logId,
    nextIndex: last.index + 1n,
    lastHash: last.hash,
    closed: last.kind === "log_closed" ? (last.tail ?? "recovered") : "no",
  };
}
