/**
 * Closes a quarantined record for good, for example a forged one: it is no longer open, can never be replayed, and is deleted with the others
 * that have ended. Recorded with the caller's name and the reason. Repeating it has no further effect.
 */
import { principalOf } from "../../../core/domain/access-request.ts";
import type { People, Reads, Transactions } from "../ports.ts";
import type { DismissOutcome, DismissRecord } from "./ports.ts";

type Deps = { readonly people: People; readonly reads: Pick<Reads, "quarantined">; readonly store: Transactions };

export function createDismissRecord({ people, reads, store }: Deps) {
  return async ({ quarantineId, by, reason, settle }: DismissRecord): Promise<DismissOutcome> => {
    const found = await reads.quarantined(quarantineId);
    if (found === undefined) return { kind: "refused", reason: "unknown_record" };
    const who = principalOf(await people.resolve(by));
    const { topic, partition, offset } = found.record;
    return store.transaction(
      "dismiss",
      async (tx): Promise<DismissOutcome> => {
        const isFirst = await tx.quarantine.dismiss(quarantineId, reason);
        const record = await tx.quarantine.find(quarantineId);
        if (record === undefined) return { kind: "refused", reason: "unknown_record" };
        if (record.replayedAt !== undefined) return { kind: "refused", reason: "already_taken" };
        if (isFirst) {
          await tx.outbox.append([
            {
              ...{ type: "record.dismissed", by: who, denialId: undefined, requestId: undefined, grantId: undefined },
              policyRevision: undefined,
              data: { quarantineId, topic, partition, offset: offset.toString(), reason },
            },
          ]);
        }
        return { kind: "dismissed", record };
      },
      settle,
    );
  };
}
