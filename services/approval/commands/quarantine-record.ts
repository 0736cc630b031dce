/**
 * Sets aside a record that cannot be understood or trusted: kept raw, told of in the audit stream, and the offset moved,
 * all in one transaction. So it is never skipped in silence and never blocks its partition.
 */
import type { QuarantinedRecord, StreamPosition, Transactions } from "../ports.ts";

export type QuarantineRecord = { readonly record: QuarantinedRecord; readonly position: StreamPosition };

export function createQuarantineRecord({ store }: { readonly store: Transactions }) {
  return ({ record, position }: QuarantineRecord): Promise<void> =>
    store.transaction(async (tx) => {
      const { topic, partition, offset, reason } = record;
      await tx.offsets.advance(position);
      await tx.quarantine.insert(record);
      await tx.outbox.append([
        {
          type: "record.quarantined",
          by: { kind: "service", name: "intake" },
          denialId: undefined,
          requestId: undefined,
          grantId: undefined,
          policyRevision: undefined,
          data: { topic, partition, offset: offset.toString(), reason },
        },
      ]);
    });
}
