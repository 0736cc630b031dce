/**
 * Quarantines a record that cannot be understood or trusted: it is stored raw, announced in the audit stream, and the offset is moved, all in one
 * transaction. So it is never skipped silently and never blocks its partition.
 */
import type { Ids, Transactions } from "../ports.ts";
import type { QuarantinedRecord, StreamPosition } from "../intake/ports.ts";

type QuarantineRecord = { readonly record: QuarantinedRecord; readonly position: StreamPosition };

export function createQuarantineRecord({ store, ids }: { readonly store: Transactions; readonly ids: Ids }) {
  return ({ record, position }: QuarantineRecord): Promise<void> =>
    store.transaction("quarantine", async (tx) => {
      const { topic, partition, offset, reason } = record;
      const quarantineId = ids.fresh("quarantine");
      await tx.settle(position);
      await tx.quarantine.insert(quarantineId, record);
      await tx.outbox.append([
        {
          type: "record.quarantined",
          by: { kind: "service", name: "intake" },
          denialId: undefined,
          requestId: undefined,
          grantId: undefined,
          policyRevision: undefined,
          data: { quarantineId, topic, partition, offset: offset.toString(), reason },
        },
      ]);
    });
}
