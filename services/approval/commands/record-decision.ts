/**
 * Takes one batch of a decision service's log, whose signature, shape and inner chain the edge has verified. It is compared with what was read of
 * that log before: known entries are dropped (delivery is at least once), a different entry in the place of a known one is refused, the next one
 * must name the hash of the last, and what is missing in between is marked as a gap. An entry after a gap is evidence too: it is taken, and the
 * audit stream shows the gap. Entries that come late, for example from the quarantine, fill it.
 */
import { fillGaps } from "../../../core/domain/decision-log-gap.ts";
import { BEGINNING, type LogEnd, repeats, standing } from "../../../core/domain/log-chain.ts";
import { traitsOf } from "../../../core/domain/profile.ts";
import type { DecisionEntry, DecisionLogState, Origin } from "../intake/ports.ts";
import type { Transaction, Transactions } from "../ports.ts";

type RecordDecisions = {
  /** Consecutive entries of one log, at least one. */
  readonly entries: readonly [DecisionEntry, ...DecisionEntry[]];
  readonly origin: Origin;
};

type RecordOutcome =
  | { readonly kind: "recorded"; readonly taken: number; readonly known: number; readonly missing: bigint }
  /** Nothing was stored and the origin is not settled: quarantine it. */
  | { readonly kind: "refused"; readonly reason: "chain_broken" | "closed_early" | "log_closed" };

/** `keepDays`: how long a day on which an account was seen counts for its profile; absent while no profiles are kept. */
export function createRecordDecisions(
  { store }: { readonly store: Transactions },
  { keepDays }: { readonly keepDays?: number | undefined } = {},
) {
  return ({ entries, origin }: RecordDecisions): Promise<RecordOutcome> =>
    store.transaction("decisions", async (tx): Promise<RecordOutcome> => {
      const [{ logId }] = entries;
      const before = await tx.decisionLogs.lock(logId);
      const end = before === undefined ? BEGINNING : { ...before, closed: before.closed !== "no" };
      const { nextIndex } = end;
      const fresh = entries.filter((entry) => standing(entry, end) !== "known");
      const { index: begin } = entries[0];
      const gaps = begin < nextIndex ? await tx.decisionLogs.gaps(logId, begin, nextIndex) : [];
      const late = fillGaps(gaps, entries);
      if (late.kind === "refused") return late;
      const known = entries.filter((entry) => standing(entry, end) === "known" && !late.taken.includes(entry));
      const another = await notRepeated(tx, known, end);
      if (another !== undefined) {
        return { kind: "refused", reason: another.closes && !end.closed ? "closed_early" : "chain_broken" };
      }
      const [first] = fresh;
      const at = first && standing(first, end);
      if (at === "log_closed" || at === "chain_broken") return { kind: "refused", reason: at };
      // NB: nothing may be written before this, since a refusal commits too.
      for (const { from } of late.closed) await tx.decisionLogs.closeGap(logId, from);
      for (const gap of late.left) await tx.decisionLogs.recordGap(logId, gap);
      const missing = first === undefined ? 0n : first.index - nextIndex;
      if (first !== undefined && missing > 0n) {
        const gap = { from: nextIndex, before: first.index, after: end.lastHash, next: first.previous };
        await tx.decisionLogs.recordGap(logId, gap);
      }
      const taken = [...late.taken, ...fresh];
      if (taken.length > 0) await tx.decisionLogs.append(taken);
      if (keepDays !== undefined) await observe(tx, taken, keepDays);
      if (first !== undefined) await tx.decisionLogs.save(stateAfter(fresh, first));
      await tx.settle(origin);
      return { kind: "recorded", taken: taken.length, known: known.length, missing };
    });
}

/** NB: a known index may hold a different entry, which is a fork and must be kept as evidence. The first such entry. */
async function notRepeated(
  tx: Transaction,
  known: readonly DecisionEntry[],
  end: LogEnd,
): Promise<DecisionEntry | undefined> {
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const kept = await tx.decisionLogs.keptHashes(first.logId, first.index, last.index + 1n);
  return known.find((entry) => !repeats(entry, end, kept));
}

/** Once, since each decision is taken once. */
async function observe(tx: Transaction, taken: readonly DecisionEntry[], keepDays: number): Promise<void> {
  const told = traitsOf(taken.flatMap(({ sighting }) => sighting ?? []));
  const traits = told.length === 0 ? [] : await tx.profiles.newTraits(told);
  if (traits.length === 0) return;
  await tx.profiles.touch(traits);
  await tx.profiles.count(traits, keepDays);
  await tx.profiles.bound(traits);
}

function stateAfter(fresh: readonly DecisionEntry[], first: DecisionEntry): DecisionLogState {
  const last = fresh.at(-1) ?? first;
  return {
    logId: last.logId,
    nextIndex: last.index + 1n,
    lastHash: last.hash,
    closed: last.closes ? (last.tail ?? "recovered") : "no",
  };
}
