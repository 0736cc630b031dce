/**
 * The event stream: the one interface to Kafka (and, on one machine, to the stream in Postgres). At most six methods, so that a second adapter
 * stays small; `test/contract/stream/` defines what each adapter must do.
 *
 * Who relies on what:
 * - a relay publishes, and marks only what was acknowledged. `unknown` is not a failure: the records may be there; send the same again.
 * - an intake keeps its offsets beside the effects, in its own database. It names the offset to read from whenever a partition is (re)taken, and
 *   releases a partition that it no longer owns. Nothing is stored at the broker.
 * - a view over a compacted topic reads from the earliest offset and is complete once `position` has reached the end that it captured at start.
 *   NB: never wait for "the record at end − 1": compaction and control records may leave none. `position` moves over such gaps.
 *
 * Delivery is at least once and in order per partition. Nothing is ever skipped: a handler that throws gets the same batch again.
 */

/** One record as it was read. Keys that are not UTF-8 come with U+FFFD in them and so equal no key that we write. */
export interface StreamRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly key: string | null;
  /** null is a tombstone. */
  readonly value: Buffer | null;
  /** A header that is repeated keeps its last value. */
  readonly headers: ReadonlyMap<string, Buffer>;
  /** Milliseconds since 1970 as the writer or the broker set it. Not to be trusted for any rule. */
  readonly timestampMs: number;
}

/** One record to be written. Equal keys go to the same partition. */
export interface OutgoingRecord {
  readonly topic: string;
  readonly key: string;
  readonly value: Buffer | null;
  readonly headers?: ReadonlyMap<string, string | Buffer>;
}

/**
 * `acked`: every record of the batch is on all in-sync replicas. `unknown`: some, all or none of them may be; publish the same records
 * (same ids) again. A record that the stream can never take (too large, no such topic) is `unknown` too, with that cause.
 */
export type PublishOutcome = { readonly kind: "acked" } | { readonly kind: "unknown"; readonly cause: unknown };

export interface PublishOptions {
  readonly deadlineMs: number;
  /**
   * The records stand alone: none has to come before another, so one that is late may still arrive when the caller has long gone on.
   * For callers with little time: without it, an answer that is late costs the connection, and everybody else's publishes under way.
   */
  readonly unordered?: boolean;
}

/** What stands in a partition: offsets `earliest` (inclusive) to `end` (exclusive). */
export interface OffsetRange {
  readonly earliest: bigint;
  readonly end: bigint;
}

/**
 * A run of records of one partition. Batches handed over are contiguous: `fromOffset` is where the last one ended (or the offset that
 * `from` named), `nextOffset` is what to store once the effect is committed. Between the two may lie offsets without a record.
 */
export interface StreamBatch {
  readonly topic: string;
  readonly partition: number;
  readonly fromOffset: bigint;
  readonly nextOffset: bigint;
  /** At least one, in order of offset. */
  readonly records: readonly StreamRecord[];
}

/** `continue`: handled, go on. `release`: this partition is no longer ours, nothing of this batch counts; `from` is asked again later. */
export type HandleOutcome = "continue" | "release";

/** One topic, read by one owner. A stream takes one subscription per topic. */
export interface Subscription {
  readonly topic: string;
  /**
   * Where to read this partition from, or `skip` when somebody else owns it. Asked for every partition at start, and again: about every
   * second for a partition that was skipped or released; after each loss of the connection's state (recreated client, offset out of
   * range). Must lie within the range; an answer outside it, or a rejection, is a fault that is retried with backoff.
   */
  from(partition: number, range: OffsetRange): Promise<bigint | "skip">;
  /** Awaited, one call at a time per partition (partitions run side by side). A rejection: same batch again, with backoff. */
  handle(batch: StreamBatch): Promise<HandleOutcome>;
}

export interface EventStream extends AsyncDisposable {
  /**
   * Publishes the whole batch and waits for all replicas. Never rejects. Order per key is kept within a batch, and between batches that
   * the caller awaits one after the other. `deadlineMs` is a duration from now; when it is over the answer is `unknown`.
   */
  publish(records: readonly OutgoingRecord[], options: PublishOptions): Promise<PublishOutcome>;
  /** Starts reading and returns at once; connection faults are retried for ever, and watched (see the adapter's watchdog). */
  subscribe(subscription: Subscription): void;
  /** The end (exclusive) of every partition, as the broker says now. Rejects when it cannot be had within the deadline. */
  endOffsets(topic: string, options: { readonly deadlineMs: number }): Promise<ReadonlyMap<number, bigint>>;
  /** Next offset to be handled, per partition that is being read. Everything below it was handled, or holds no record. */
  position(topic: string): ReadonlyMap<number, bigint>;
  /** Stops reading (a handler under way is awaited), then disconnects. Idempotent. */
  close(): Promise<void>;
}
