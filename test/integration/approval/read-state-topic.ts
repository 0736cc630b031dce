/** A model of what a decision service, of today and of before, keeps of the records of the state topic, whole or as compaction leaves them. */
import type { Grant } from "../../../core/domain/grant.ts";
import { createStateView, type StateView } from "../../../core/domain/state-view.ts";
import type { Instant } from "../../../core/domain/time.ts";
import { openEnvelope } from "../../../core/messages/envelope.ts";
import { earlierSetHashOf, setHashOf, stateRecordHash } from "../../../core/messages/record-keys.ts";
import { EARLIER_HEARTBEAT_KEY, HEARTBEAT_KEY, readGrant, readHeartbeat } from "../../../core/messages/state-record.ts";
import type { StreamRecord } from "../../../platform/stream/port.ts";
import { DEPLOYMENT } from "./migrated-database.ts";
import { TOPIC, verifier } from "./state-topic.ts";

export type Reader = {
  readonly view: StateView<Grant>;
  /** Of the heartbeat with the largest T so far: whether our set was equal where it stood. */
  readonly latest: { readonly time: Instant; readonly equal: boolean } | undefined;
  readonly heartbeats: number;
};

/** Whether a decision service from before the wide sum, which starts now, finds its set equal at the last heartbeat that it knows. */
export function isEqualEarlier(records: readonly StreamRecord[]): boolean | undefined {
  const view = createStateView<undefined>(stateRecordHash);
  let equal: boolean | undefined;
  for (const { key, value, headers } of records) {
    if (key === null) continue;
    if (value === null) {
      view.tombstone(key);
      continue;
    }
    const opened = openEnvelope(verifier, { deployment: DEPLOYMENT, topic: TOPIC, key }, { value, headers });
    if (opened.kind !== "opened") continue;
    if (key !== EARLIER_HEARTBEAT_KEY) {
      view.apply({ key, version: opened.version, value: undefined });
      continue;
    }
    const read = readHeartbeat(opened.payload);
    equal = read.kind === "parsed" && read.value.setHash === earlierSetHashOf(view.sum());
  }
  return equal;
}

/** Reads records as a decision service that starts now. */
export function readAll(records: readonly StreamRecord[]): Reader {
  const view = createStateView<Grant>(stateRecordHash);
  let latest: Reader["latest"];
  let heartbeats = 0;
  for (const { key, value, headers } of records) {
    if (key === null || key === EARLIER_HEARTBEAT_KEY) continue;
    if (value === null) {
      view.tombstone(key);
      continue;
    }
    const opened = openEnvelope(verifier, { deployment: DEPLOYMENT, topic: TOPIC, key }, { value, headers });
    if (opened.kind !== "opened") continue;
    if (key === HEARTBEAT_KEY) {
      const read = readHeartbeat(opened.payload);
      if (read.kind !== "parsed") throw new Error(read.detail);
      heartbeats += 1;
      const { databaseTime: time, setHash } = read.value;
      if (latest === undefined || time >= latest.time) latest = { time, equal: setHash === setHashOf(view.sum()) };
    } else {
      const read = readGrant(opened.payload);
      view.apply({ key, version: opened.version, value: read.kind === "parsed" ? read.value : undefined });
    }
  }
  return { view, latest, heartbeats };
}

/** What compaction would leave: the last record of every key. */
export function compacted(records: readonly StreamRecord[]): readonly StreamRecord[] {
  const last = new Map(records.map((record) => [record.key, record]));
  return [...last.values()].sort((a, b) => Number(a.offset - b.offset));
}

/** Whether `check` holds, and the set is equal, for a reader of all of them and for one of what compaction would leave. */
export function areSettled(records: readonly StreamRecord[], check: (reader: Reader) => boolean): boolean {
  return [readAll(records), readAll(compacted(records))].every(
    (reader) => reader.latest?.equal === true && check(reader),
  );
}
