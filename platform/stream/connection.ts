/**
 * What an adapter must provide for reading: one connection to its server. Everything else about reading (partition-reader.ts, watchdog.ts,
 * assemble.ts) is the same for all adapters. Every method rejects on a fault; the owner then destroys the connection and makes a new one, so a
 * connection is never repaired.
 */
import type { OffsetRange, StreamRecord } from "./port.ts";

/**
 * `records` in order of offset, none below the offset that was asked for; perhaps none at all, while `nextOffset` says that everything below
 * it was read or holds no record. `out_of_range`: there is nothing at this offset any more, or not yet.
 */
export type FetchOutcome =
  | { readonly kind: "fetched"; readonly records: readonly StreamRecord[]; readonly nextOffset: bigint }
  | { readonly kind: "out_of_range" };

export interface StreamConnection {
  /** In ascending order; rejects for a topic that does not exist. */
  partitions(topic: string): Promise<readonly number[]>;
  range(topic: string, partition: number): Promise<OffsetRange>;
  /** Waits up to `maxWaitMs` for records at this offset. */
  fetch(topic: string, partition: number, offset: bigint, maxWaitMs: number): Promise<FetchOutcome>;
  /** Whatever waits on this connection rejects. Idempotent. */
  destroy(reason: Error): void;
}
