/**
 * The profile relay: publishes changed profiles to the state topic, in small batches and each at most once per interval, and a null when nothing
 * is left of one. It is separate from the state relay: profiles are many and open nothing, and they neither wait for a heartbeat nor delay one.
 * What was published but not marked is published again, at a later version. NB: nothing repairs what somebody else writes over a profile, except
 * what is counted of the account next. A policy has to cope without a profile anyway.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { DurationMs } from "../../../core/domain/time.ts";
import { sealEnvelope } from "../../../core/messages/envelope.ts";
import { profileKey, profileToWire } from "../../../core/messages/profile-record.ts";
import type { Signer } from "../../../core/messages/signing.ts";
import type { Log } from "../../../platform/log/log.ts";
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import type { Leadership, Lease } from "../../../platform/postgres/leadership.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import type { EventStream, OutgoingRecord } from "../../../platform/stream/port.ts";
import type { DueProfile } from "../ports.ts";
import { createPublishSurely } from "./publish-surely.ts";

type DueOptions = {
  /** Between two publications of the same profile. */
  readonly interval: DurationMs;
  /** Days further than this before the last one do not count. */
  readonly keepDays: number;
};

type ProfileRows = {
  readonly due: (on: Queryable, options: DueOptions, limit: number) => Promise<readonly DueProfile[]>;
  readonly markPublished: (on: Queryable, sent: readonly DueProfile[]) => Promise<void>;
  readonly remove: (on: Queryable, gone: readonly DueProfile[]) => Promise<void>;
};

/** A decision service verifies a batch at a time: 50 signatures take a few milliseconds. With the pause, at most 200 profiles a second. */
const BATCH = 50;
const PAUSE_MS = 250;
const IDLE_MS = 1_000;
const PUBLISH_DEADLINE_MS = 5_000;

export function createProfileRelay(
  {
    rows,
    leadership,
    stream,
    signer,
    log,
    metrics,
  }: {
    readonly rows: ProfileRows;
    readonly leadership: Leadership;
    readonly stream: Pick<EventStream, "publish">;
    readonly signer: Signer;
    readonly log: Log;
    readonly metrics: Metrics;
  },
  {
    deployment,
    topic,
    interval,
    keepDays,
    idleMs = IDLE_MS,
  }: DueOptions & {
    readonly deployment: string;
    readonly topic: string;
    readonly idleMs?: number;
  },
) {
  const published = metrics.counter("profiles_published_total", "Acknowledged records of profiles", ["kind"]);
  const publishSurely = createPublishSurely(
    {
      stream,
      onUnknown: (cause, records) =>
        log.warn(
          { event: "profiles_not_acknowledged", err: cause, records },
          "profiles were not acknowledged by the stream; they are sent again",
        ),
    },
    { deadlineMs: PUBLISH_DEADLINE_MS },
  );

  function recordOf({ id, profile }: DueProfile): OutgoingRecord {
    const key = profileKey(id);
    if (profile === undefined) return { topic, key, value: null };
    const payload = Buffer.from(JSON.stringify(profileToWire(profile)), "utf8");
    return { topic, key, ...sealEnvelope(signer, { deployment, topic, key }, profile.asOf, payload) };
  }

  async function term(lease: Lease): Promise<void> {
    while (!lease.signal.aborted) {
      const due = await rows.due(lease, { interval, keepDays }, BATCH);
      if (due.length > 0) await publish(lease, due);
      await sleep(due.length < BATCH ? idleMs : PAUSE_MS, undefined, { signal: lease.signal }).catch(() => {});
    }
  }

  async function publish(lease: Lease, due: readonly DueProfile[]): Promise<void> {
    await publishSurely(due.map(recordOf), lease.signal);
    const kept = due.filter(({ profile }) => profile !== undefined);
    const gone = due.filter(({ profile }) => profile === undefined);
    if (kept.length > 0) await rows.markPublished(lease, kept);
    if (gone.length > 0) await rows.remove(lease, gone);
    published.inc({ kind: "profile" }, kept.length);
    published.inc({ kind: "tombstone" }, gone.length);
  }

  return { run: (signal: AbortSignal) => leadership.run(term, signal) };
}
