/**
 * Records what time has already ended: pending requests that nobody decided, grants that are over, denials that were never submitted, expired
 * idempotency keys, days of profiles, closed records of the quarantine, old notifications. Notifies those whom routing named when a request has
 * waited too long. Nothing depends on its being punctual, since every use and every vote checks the clock itself. Locked rows are left for the
 * next sweep, so several sweepers do not block each other.
 */
import { escalate, expireRequest } from "../../../core/domain/access-request.ts";
import { expire } from "../../../core/domain/grant.ts";
import { type DurationMs, durationMs, instant } from "../../../core/domain/time.ts";
import type { SweepFault, Transaction, TransactionName, Transactions } from "../ports.ts";

type Swept = {
  /** There may be more than one round took: call it again at once. */
  readonly isMore: boolean;
  readonly requests: number;
  readonly escalated: number;
  readonly grants: number;
  /** Deleted, or found to stay. */
  readonly denials: number;
  readonly keys: number;
  readonly records: number;
  readonly notifications: number;
  /** Profiles from which something was deleted. */
  readonly profiles: number;
  /** Parts that could not be done; nothing of theirs counts above. */
  readonly faults: readonly SweepFault[];
};

const DAY_MS = 24 * 3_600_000;
/** Rows per transaction; bounds how long their locks are held. */
const SWEEP_BATCH = 100;
/** A lapsed denial is kept a little longer, so that a late submit gets `expired_denial` and not `unknown_denial`. */
const KEEP_LAPSED: DurationMs = durationMs(DAY_MS);

/** Quarantined records that were taken or dismissed; open ones stay. */
const KEEP_SET_ASIDE: DurationMs = durationMs(30 * DAY_MS);
/** A request waits seven days at most; a notification that could not be delivered for this long is dropped. */
const KEEP_NOTIFICATIONS: DurationMs = durationMs(30 * DAY_MS);

/** One round of at most `SWEEP_BATCH` of each. Never rejects: one part that fails neither stops nor slows the others, and is named with its fault. */
export function createSweep(
  { store }: { readonly store: Transactions },
  /** `keepDays`: how long a day on which an account was seen counts for its profile; absent while no profiles are kept: whatever is left is deleted. */
  { keepDays = 0 }: { readonly keepDays?: number | undefined } = {},
) {
  return async (): Promise<Swept> => {
    const faults: SweepFault[] = [];
    /** In a transaction of its own. A failure, for example an unreadable row, does not prevent the others. */
    async function part(name: TransactionName, work: (tx: Transaction) => Promise<number>): Promise<number> {
      try {
        return await store.transaction(name, work);
      } catch (error) {
        faults.push({ part: name, error });
        return 0;
      }
    }
    const requests = await part("sweep requests", async (tx) => {
      const overdue = await tx.requests.lockExpired(SWEEP_BATCH);
      const now = await tx.now();
      for (const request of overdue) {
        const outcome = expireRequest(request, now);
        if (outcome.kind === "refused") continue;
        await tx.requests.save(outcome.request);
        await tx.outbox.append(outcome.events);
        await tx.notifications.append({ kind: "request_ended", request: outcome.request, grant: undefined });
      }
      return overdue.length;
    });
    const escalated = await part("sweep escalations", async (tx) => {
      const due = await tx.requests.lockEscalating(SWEEP_BATCH);
      const now = await tx.now();
      for (const request of due) {
        const outcome = escalate(request, now);
        if (outcome.kind === "nothing_to_do") continue;
        await tx.requests.save(outcome.request);
        const { notify } = outcome;
        await tx.notifications.append({ kind: "review_escalated", request: outcome.request, notify });
      }
      return due.length;
    });
    const grants = await part("sweep grants", async (tx) => {
      const over = await tx.grants.lockExpired(SWEEP_BATCH);
      const now = await tx.now();
      for (const grant of over) {
        const request = await tx.requests.find(grant.requestId);
        const outcome = expire(grant, request?.policyRevision, now);
        if (outcome.kind === "already_final") continue;
        await tx.grants.save(outcome.grant);
        await tx.outbox.append([outcome.event]);
      }
      return over.length;
    });
    const denials = await part("sweep denials", async (tx) => {
      const before = instant(Math.max(0, (await tx.now()) - KEEP_LAPSED));
      return tx.denials.deleteLapsed(before, SWEEP_BATCH);
    });
    const keys = await part("sweep keys", (tx) => tx.answers.forget(SWEEP_BATCH));
    const records = await part("sweep quarantine", async (tx) => {
      const before = instant(Math.max(0, (await tx.now()) - KEEP_SET_ASIDE));
      return tx.quarantine.forget(before, SWEEP_BATCH);
    });
    const notifications = await part("sweep notifications", async (tx) => {
      const before = instant(Math.max(0, (await tx.now()) - KEEP_NOTIFICATIONS));
      return tx.notifications.forget(before, SWEEP_BATCH);
    });
    const profiles = await part("sweep profiles", async (tx) =>
      tx.profiles.forget(instant(Math.max(0, (await tx.now()) - keepDays * DAY_MS)), SWEEP_BATCH),
    );
    const counts = { requests, escalated, grants, denials, keys, records, notifications, profiles };
    const isMore = Object.values(counts).some((count) => count >= SWEEP_BATCH);
    return { isMore, ...counts, faults };
  };
}
