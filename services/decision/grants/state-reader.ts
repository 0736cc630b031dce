/**
 * Reads the state topic from its start into the grants view (docs/approval-lifecycle.md). The signature comes first: a record not signed by a
 * known writer changes nothing, except that a null removes a value, which can only close (open-incidents.ts says what becomes of an incident,
 * whose absence would open). An unreadable payload with a valid signature still counts in the set hash. Profiles do not;
 * profiles/profile-view.ts reads them.
 */
import type { Clocks } from "../../../core/domain/freshness.ts";
import { type StateRead, stateRead } from "../../../core/domain/readiness.ts";
import { openEnvelope } from "../../../core/messages/envelope.ts";
import { maskedKey } from "../../../core/messages/masked-payload.ts";
import { unknownVersion } from "../../../core/messages/parse.ts";
import type { Verifier } from "../../../core/messages/signing.ts";
import { isProfileKey } from "../../../core/messages/profile-record.ts";
import { EARLIER_HEARTBEAT_KEY, HEARTBEAT_KEY, readHeartbeat } from "../../../core/messages/state-record.ts";
import { readStateValue } from "../../../core/messages/state-value.ts";
import { TOPICS } from "../../../core/messages/topics.ts";
import { createBackoff } from "../../../platform/backoff.ts";
import type { Log } from "../../../platform/log/log.ts";
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import type { EventStream, StreamRecord } from "../../../platform/stream/port.ts";
import { readToEnd } from "../../../platform/stream/read-to-end.ts";
import { createEarlierHeartbeats } from "./earlier-heartbeats.ts";
import type { GrantsView } from "./grants-view.ts";

const TOPIC = TOPICS.state.name;
const END_DEADLINE_MS = 2_000;

type StateReaderDeps = {
  readonly stream: Pick<EventStream, "subscribe" | "endOffsets" | "position">;
  readonly verifier: Verifier;
  readonly view: GrantsView;
  /** Without it they are let pass, unverified. */
  readonly profiles?: ProfileIntake | undefined;
  readonly readClocks: () => Clocks;
  readonly log: Log;
  readonly metrics: Metrics;
};

/** What takes profiles: they open nothing, so they are verified when there is time; `count` is told what became of one. */
type ProfileIntake = {
  take(key: string, record: StreamRecord, count: (outcome: RecordOutcome) => void): void;
};

type StateReader = {
  /** Begins to read. */
  start(signal: AbortSignal): void;
  /** How far it has read, compared with the end captured at the start. */
  read(): StateRead;
};

type RecordOutcome =
  | "applied"
  | "older"
  | "tombstone"
  | "heartbeat"
  /** A profile, while profiles are off or too many are kept, or of an earlier record version; a heartbeat for earlier decision services. */
  | "not_kept"
  | "unreadable"
  | "version_unknown"
  | "signature_invalid"
  | "oversize"
  | "headers_missing"
  | "version_malformed"
  | "no_key";

const GOOD: ReadonlySet<RecordOutcome> = new Set(["applied", "older", "tombstone", "heartbeat", "not_kept"]);

export function createStateReader(
  { stream, verifier, view, profiles, readClocks, log, metrics }: StateReaderDeps,
  { deployment, readyWithinMs }: { readonly deployment: string; readonly readyWithinMs: number },
): StateReader {
  const records = metrics.counter("state_records_total", "records read from the state topic", ["outcome"]);
  metrics.gauge("state_keys", "keys in the state view that are not tombstoned", [], (gauge) => gauge.set(view.size));
  metrics.gauge("grants_fresh", "1 while grants count", [], (gauge) =>
    gauge.set(view.freshness(readClocks()).kind === "fresh" ? 1 : 0),
  );
  let startedMonoMs = Number.POSITIVE_INFINITY;
  let toEnd = false;
  let skew = view.skew();
  const earlierHeartbeats = createEarlierHeartbeats({ log, metrics });

  /** Each record has one outcome; faults are logged with the key, if it is one of ours. */
  function count(record: StreamRecord, outcome: RecordOutcome): void {
    records.inc({ outcome });
    if (GOOD.has(outcome)) return;
    log.error(
      { event: "state_record_refused", key: maskedKey(record.key), offset: String(record.offset), outcome },
      "a record of the state topic is refused and opens nothing; outcome says why",
    );
  }

  function take(record: StreamRecord): RecordOutcome {
    const { key } = record;
    if (key === null) return "no_key";
    const open = () => openEnvelope(verifier, { deployment, topic: TOPIC, key }, record);
    // NB: its hash says too little of the set: never taken, not even where there is no other, and not counted as a key either.
    if (key === EARLIER_HEARTBEAT_KEY) {
      // What stood there at the start says nothing of who leads now.
      if (toEnd) earlierHeartbeats.read(readClocks().monoMs, () => open().kind === "opened");
      return "not_kept";
    }
    if (record.value === null) return view.tombstone(key) === "applied" ? "tombstone" : "older";
    const opened = open();
    if (opened.kind === "fault") return opened.reason;
    if (key === HEARTBEAT_KEY) {
      const heartbeat = readHeartbeat(opened.payload);
      if (heartbeat.kind === "malformed") return unreadable(opened.payload);
      earlierHeartbeats.replaced();
      view.heartbeat(heartbeat.value, readClocks());
      noticeSkew();
      return "heartbeat";
    }
    const { version } = opened;
    const read = readStateValue(key, version, opened.payload);
    const applied = view.apply({ key, version, value: read.kind === "value" ? read.value : undefined });
    return read.kind === "unreadable" ? unreadable(opened.payload) : applied;
  }

  function noticeSkew(): void {
    if (view.skew() === skew) return;
    skew = view.skew();
    if (skew === "none") log.info({ event: "clock_agrees" }, "the clocks of this machine and the database agree again");
    else log.warn({ event: "clock_skew", skew }, "the clocks of this machine and the database differ");
  }

  async function captureEnd(signal: AbortSignal): Promise<ReadonlyMap<number, bigint>> {
    const backoff = createBackoff({ firstMs: 100, maxMs: 1_000 });
    for (;;) {
      try {
        return await stream.endOffsets(TOPIC, { deadlineMs: END_DEADLINE_MS });
      } catch {
        await backoff.wait(signal);
      }
    }
  }

  /** Rejects when aborted. */
  async function readAll(signal: AbortSignal): Promise<void> {
    await readToEnd(stream, TOPIC, await captureEnd(signal), signal);
    toEnd = true;
  }

  return {
    read: () => stateRead({ toEnd, waitedMs: readClocks().monoMs - startedMonoMs }, readyWithinMs),
    start(signal) {
      startedMonoMs = readClocks().monoMs;
      stream.subscribe({
        topic: TOPIC,
        from: (_partition, range) => Promise.resolve(range.earliest),
        handle(batch) {
          for (const record of batch.records) {
            if (record.key === null || !isProfileKey(record.key)) count(record, take(record));
            else if (profiles === undefined) count(record, "not_kept");
            else profiles.take(record.key, record, (outcome) => count(record, outcome));
          }
          return Promise.resolve("continue");
        },
      });
      readAll(signal).catch((error: unknown) => {
        if (!signal.aborted)
          log.error(
            { event: "state_end_unknown", err: error },
            "cannot tell whether the state topic was read to its end; ready after state.readyWithinMs",
          );
      });
    },
  };
}

/** Signed by a known writer, but of an unknown shape. */
function unreadable(payload: Uint8Array): "unreadable" | "version_unknown" {
  return unknownVersion(payload) === undefined ? "unreadable" : "version_unknown";
}
