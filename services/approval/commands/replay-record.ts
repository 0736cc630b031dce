/**
 * Reads a quarantined record again with the reader that refused it: after a key was added, a schema extended or a fault fixed. Its effect and the
 * end of its quarantine are one transaction, so it is taken once, however often and by however many callers it is replayed. A record that is
 * refused again stays, with the reason. Both outcomes are recorded with the caller's name.
 */
import { AppError } from "../../../core/domain/app-error.ts";
import { principalOf } from "../../../core/domain/access-request.ts";
import type { Principal, RecordReplayed } from "../../../core/domain/events.ts";
import type { People, Reads, Transactions } from "../ports.ts";
import type { Quarantined, QuarantinedRecord, Reading, Replay } from "../intake/ports.ts";
import type { ReplayOutcome, ReplayRecord } from "./ports.ts";

/** The readers of intake. Rejects for what may succeed later; then nothing has changed. */
export type ReadAgain = (record: QuarantinedRecord, origin: Replay) => Promise<Reading>;

type Deps = {
  readonly people: People;
  readonly reads: Pick<Reads, "quarantined">;
  readonly read: ReadAgain;
  readonly store: Transactions;
};

export function createReplayRecord({ people, reads, read, store }: Deps) {
  return async ({ quarantineId, by }: ReplayRecord): Promise<ReplayOutcome> => {
    const found = await reads.quarantined(quarantineId);
    if (found === undefined) return { kind: "refused", reason: "unknown_record" };
    if (found.dismissed !== undefined) return { kind: "refused", reason: "record_dismissed" };
    if (found.replayedAt !== undefined) return { kind: "taken", before: true, record: found };
    const who = principalOf(await people.resolve(by));
    const told = (outcome: "taken" | "refused", reason?: string) => replayed(found, who, outcome, reason);
    const reading = await read(found.record, { quarantineId, told: told("taken") }).catch(async (error: unknown) => {
      if (error instanceof AppError && error.code === "conflict") return "somebody was faster" as const;
      throw error;
    });
    if (typeof reading === "object" && reading.kind === "refused") {
      const { reason, detail } = reading;
      await store.transaction("replay refused", async (tx) => {
        await tx.quarantine.noteTry(quarantineId, reason, detail);
        await tx.outbox.append([told("refused", reason)]);
      });
      return { kind: "refused_again", reason, detail, record: (await reads.quarantined(quarantineId)) ?? found };
    }
    const record = await reads.quarantined(quarantineId);
    if (record?.dismissed !== undefined) return { kind: "refused", reason: "record_dismissed" };
    if (record?.replayedAt === undefined) throw new AppError("conflict", "the record was replayed at the same time");
    return { kind: "taken", before: reading === "somebody was faster", record };
  };
}

function replayed(
  { id: quarantineId, record: { topic, partition, offset } }: Quarantined,
  by: Principal,
  outcome: "taken" | "refused",
  reason: string | undefined,
): RecordReplayed {
  return {
    type: "record.replayed",
    by,
    denialId: undefined,
    requestId: undefined,
    grantId: undefined,
    policyRevision: undefined,
    data: { quarantineId, topic, partition, offset: offset.toString(), outcome, reason },
  };
}
