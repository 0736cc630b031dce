/**
 * The state relay: the only writer of grants, incidents and heartbeats on the state topic. While it leads it repeats
 *
 *     T = database time → (a later statement) every unpublished row → publish, all acknowledged → mark
 *       → tombstones that are due → heartbeat {T, set hash}
 *
 * so a heartbeat says: everything committed before T precedes it, and the keys then hash to this. T and the rows are read on the connection that
 * holds the lock. A row that cannot be published (too large, unreadable, no acknowledgement) stops the heartbeat and so closes everything that a
 * grant opens; it is never skipped.
 *
 * It also reads its own topic, leading or not, and repairs keys whose last record is not their newest (topic-view.ts). If the topic is ahead of
 * the database, the database has lost something: such a grant is ended (store/end-behind-topic.ts), such an incident is published as the database
 * has it. NB: a deposed relay's late record is not prevented; a reader drops it by its version, and the repair follows it.
 */
import { AppError } from "../../../core/domain/app-error.ts";
import { createStateView } from "../../../core/domain/state-view.ts";
import { openEnvelope, sealEnvelope } from "../../../core/messages/envelope.ts";
import { isProfileKey } from "../../../core/messages/profile-record.ts";
import { stateRecordHash } from "../../../core/messages/record-keys.ts";
import type { Signer, Verifier } from "../../../core/messages/signing.ts";
import {
  EARLIER_HEARTBEAT_KEY,
  HEARTBEAT_KEY,
  heartbeatsToWire,
  readHeartbeat,
} from "../../../core/messages/state-record.ts";
import { readStateValue } from "../../../core/messages/state-value.ts";
import { MAX_RECORD_BYTES } from "../../../core/messages/topics.ts";
import type { Log } from "../../../platform/log/log.ts";
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import { createPause } from "../../../platform/pause.ts";
import type { Leadership, Lease } from "../../../platform/postgres/leadership.ts";
import type { Wakeup } from "../../../platform/postgres/wakeup.ts";
import type { EventStream, OutgoingRecord, StreamBatch } from "../../../platform/stream/port.ts";
import { createOwnRecords, KNOWN_AS_OWN } from "./own-records.ts";
import { createPublishSurely } from "./publish-surely.ts";
import { keysOf, type StateKind, type StateRows } from "./state-source.ts";
import { createTopicView } from "./topic-view.ts";

/** A million keys take seconds to hash. */
const PAUSE_AFTER_MS = 5;

interface StateRelayDeps {
  readonly rows: StateRows;
  readonly leadership: Leadership;
  /** Its poll interval is the interval of heartbeats. */
  readonly wakeup: Wakeup;
  readonly stream: Pick<EventStream, "publish" | "subscribe">;
  readonly signer: Signer;
  /** Knows the public key of `signer`, and of its predecessor while keys rotate. */
  readonly verifier: Verifier;
  readonly log: Log;
  readonly metrics: Metrics;
}

interface StateRelayOptions {
  readonly deployment: string;
  readonly topic: string;
  /** Rows read, published and marked at once. */
  readonly batchSize?: number;
  readonly publishDeadlineMs?: number;
}

interface StateRelay {
  /** Subscribes, then leads whenever it can, until the signal aborts. Call once. */
  run(signal: AbortSignal): Promise<void>;
}

export function createStateRelay(deps: StateRelayDeps, options: StateRelayOptions): StateRelay {
  const { rows, leadership, wakeup, stream, signer, verifier, log, metrics } = deps;
  const { deployment, topic, batchSize = 200, publishDeadlineMs = 5_000 } = options;
  const repairedTotal = metrics.counter("state_repaired_total", "Keys of the state topic published again by repair");
  const setBackTotal = metrics.counter(
    "state_set_back_total",
    "Grants ended and incidents published again because the topic held a newer version than the database",
  );
  const publishedTotal = metrics.counter("state_published_total", "Acknowledged state records", ["kind"]);
  const unknownTotal = metrics.counter("state_unacknowledged_total", "Attempts to publish that were not acknowledged");
  const heartbeatSeconds = metrics.gauge("state_heartbeat_timestamp_seconds", "Database time of the last heartbeat");
  const publishSurely = createPublishSurely({ stream, onUnknown: notAcknowledged }, { deadlineMs: publishDeadlineMs });
  const view = createTopicView();
  const own = createOwnRecords();
  const toRepublish = new Set<string>();
  const toRemove = new Set<string>();
  /** Versions that the topic holds and the database does not know of. */
  const toOvertake = new Map<string, number>();
  let set = createStateView<undefined>(stateRecordHash);

  function notAcknowledged(cause: unknown, records: number): void {
    unknownTotal.inc();
    log.warn(
      { event: "state_not_acknowledged", err: cause, records },
      "state records were not acknowledged by the stream; they are sent again",
    );
  }

  function signed(key: string, version: number, wire: object): OutgoingRecord {
    const payload = Buffer.from(JSON.stringify(wire), "utf8");
    if (payload.length > MAX_RECORD_BYTES)
      throw new AppError("invalid_record", `${key} is larger than a record may be; heartbeats stop until it is gone`);
    const sealed = sealEnvelope(signer, { deployment, topic, key }, version, payload);
    own.sending(key, sealed);
    return { topic, key, ...sealed };
  }

  async function publish(of: StateKind, lease: Lease): Promise<void> {
    let after: string | undefined;
    for (;;) {
      const found = await of.unpublished(lease, after, batchSize);
      const records = found.map(({ key, version, wire }) => signed(key, version, wire));
      await publishSurely(records, lease.signal);
      for (const { key, version } of found) {
        set.apply({ key, version, value: undefined });
        view.published(key, version);
      }
      await of.markPublished(lease, found);
      publishedTotal.inc({ kind: of.kind }, found.length);
      after = found.at(-1)?.key;
      if (found.length < batchSize) return;
    }
  }

  async function publishTombstones(of: StateKind, lease: Lease): Promise<void> {
    for (;;) {
      const due = await of.dueTombstones(lease, batchSize);
      await removeKeys(lease, due);
      await of.markTombstoned(lease, due);
      if (due.length < batchSize) return;
    }
  }

  async function removeKeys(lease: Lease, keys: readonly string[]): Promise<void> {
    const tombstones = keys.map((key) => ({ topic, key, value: null }));
    await publishSurely(tombstones, lease.signal);
    for (const key of keys) {
      set.tombstone(key);
      view.published(key, undefined);
    }
    publishedTotal.inc({ kind: "tombstone" }, keys.length);
  }

  /** Removes what must not stand there and leaves to the next publication what must: how many keys that is. */
  async function repair(lease: Lease): Promise<number> {
    const again = [...toRepublish];
    const gone = [...toRemove];
    if (again.length + gone.length === 0) return 0;
    log.error(
      { event: "state_topic_differs", again: again.length, gone: gone.length },
      "the state topic differs from the database; repairing it",
    );
    const kept = new Set<string>();
    for (const of of rows.kinds) {
      await of.markUnpublished(lease, keysOf(of, again));
      for (const key of await of.notTombstoned(lease, keysOf(of, gone))) kept.add(key);
    }
    const removed = gone.filter((key) => !kept.has(key));
    await removeKeys(lease, removed);
    for (const key of again) toRepublish.delete(key);
    for (const key of gone) toRemove.delete(key);
    return again.length + removed.length;
  }

  /** Goes beyond what the database has forgotten something about; published and marked like any other change. */
  async function overtakeTopic(lease: Lease): Promise<void> {
    if (toOvertake.size === 0) return;
    const behind = new Map(toOvertake);
    const changed: string[] = [];
    for (const of of rows.kinds) {
      const those = keysOf(of, behind.keys()).map((key) => ({ key, version: behind.get(key) ?? 0 }));
      if (those.length > 0) changed.push(...(await of.overtakeTopic(lease, those)));
    }
    // NB: others may have been found meanwhile, and a key is named once.
    for (const [key, version] of behind) if (toOvertake.get(key) === version) toOvertake.delete(key);
    if (changed.length === 0) return;
    setBackTotal.inc(changed.length);
    log.error(
      { event: "database_set_back", count: changed.length, keys: changed.slice(0, 10) },
      "the database is behind the state topic (restored, or failed over with a loss); these grants were revoked, incidents published again",
    );
  }

  async function term(lease: Lease): Promise<void> {
    const published = new Map<string, number>();
    const pause = createPause(PAUSE_AFTER_MS);
    set = createStateView(stateRecordHash);
    for (const of of rows.kinds) {
      for (const { key, version } of await of.published(lease)) {
        // NB: the reader may run meanwhile: it touches neither set, and what it finds to repair by the earlier one is forgotten below.
        await pause();
        if (lease.signal.aborted) return;
        published.set(key, version);
        set.apply({ key, version, value: undefined });
      }
    }
    view.begin(published);
    toRepublish.clear();
    toRemove.clear();
    toOvertake.clear();
    while (!lease.signal.aborted) {
      const time = await rows.databaseTime(lease);
      const repaired = await repair(lease);
      await overtakeTopic(lease);
      for (const of of rows.kinds) await publish(of, lease);
      repairedTotal.inc(repaired); // only now does the topic say the truth again
      for (const of of rows.kinds) await publishTombstones(of, lease);
      view.heartbeatSent(time); // before it can be read
      const heartbeats = [...heartbeatsToWire(time, set.sum())].map(([key, wire]) => signed(key, 0, wire));
      await publishSurely(heartbeats, lease.signal);
      heartbeatSeconds.set(time / 1_000);
      await wakeup.next(lease.signal);
    }
  }

  async function look({ records }: StreamBatch): Promise<"continue"> {
    for (const record of records) {
      const { key } = record;
      if (key === null || key === EARLIER_HEARTBEAT_KEY || isProfileKey(key)) continue;
      const opened = openEnvelope(own.isOwn(record) ? KNOWN_AS_OWN : verifier, { deployment, topic, key }, record);
      if (key !== HEARTBEAT_KEY) {
        if (opened.kind === "opened") {
          const { version, payload } = opened;
          const readable = readStateValue(key, version, payload).kind === "value";
          view.seen(key, { kind: "signed", version, readable });
        } else view.seen(key, { kind: opened.reason === "tombstone" ? "tombstone" : "refused" });
        continue;
      }
      const heartbeat = opened.kind === "opened" ? readHeartbeat(opened.payload) : undefined;
      if (heartbeat?.kind !== "parsed") continue;
      const found = view.heartbeatRead(heartbeat.value.databaseTime);
      for (const wrong of found.republish) toRepublish.add(wrong);
      for (const wrong of found.remove) toRemove.add(wrong);
      for (const { key: behind, version } of found.ahead) toOvertake.set(behind, version);
    }
    return "continue";
  }

  return {
    async run(signal) {
      stream.subscribe({
        topic,
        async from(_partition, { earliest }) {
          view.restart();
          return earliest;
        },
        handle: look,
      });
      await leadership.run(term, signal);
    },
  };
}
