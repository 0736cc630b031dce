/**
 * Profiles on their way: decisions that are recorded, rows of a real Postgres, the profile relay beside the state relay, and the decision
 * service's own reader. Times of decisions lie back: a sighting is never later than the database's clock.
 */
import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { durationMs } from "../../../core/domain/time.ts";
import type { LoggedDecision } from "../../../core/messages/decision-record.ts";
import { profileId, profileKey } from "../../../core/messages/profile-record.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { createLeadership } from "../../../platform/postgres/leadership.ts";
import { createRecordDecisions } from "../../../services/approval/commands/record-decision.ts";
import { createSweep } from "../../../services/approval/commands/sweep.ts";
import { createProfileRelay } from "../../../services/approval/publish/profile-relay.ts";
import { storedOffset } from "../../../services/approval/store/offsets.ts";
import { publishedIncidents } from "../../../services/approval/store/published-incidents.ts";
import {
  deleteProfiles,
  dueProfiles,
  markProfilesPublished,
} from "../../../services/approval/store/published-profiles.ts";
import { createProfileView } from "../../../services/decision/profiles/profile-view.ts";
import type { MemoryBroker } from "../../harness/memory-stream.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { type Approval, createApproval } from "./approval-fixture.ts";
import { logOf } from "./decision-log-fixture.ts";
import { DEPLOYMENT, silent as log } from "./migrated-database.ts";
import { openStateTopic, signer, type StateTopic, TOPIC as topic, verifier } from "./state-topic.ts";

const HOUR = 3_600_000;
const MINUTE = 60_000;
/** The beginning of an hour that is over. */
const T = Math.floor(Date.now() / HOUR) * HOUR - 2 * HOUR;

let approval: Approval;
let broker: MemoryBroker;
let stateTopic: StateTopic;
beforeAll(async () => {
  approval = await createApproval();
});
afterAll(() => approval.close());
beforeEach(async () => {
  stateTopic = openStateTopic(approval.database);
  ({ broker } = stateTopic);
  await approval.database.query("truncate profiles cascade");
});
afterEach(async () => {
  await stateTopic[Symbol.asyncDispose]();
});

let partition = 0;
/** Decisions of one log, read from a partition of its own. */
async function told(name: string, minutes: number, more: Partial<LoggedDecision> = {}, options = { profiles: true }) {
  partition += 1;
  const origin = { topic: "decisions", partition, from: 0n, next: 1n };
  await storedOffset(approval.database, origin.topic, partition, 0n);
  const entries = logOf(2, {
    ...{ time: new Date(T + minutes * MINUTE).toISOString(), source_address: "192.0.2.7" },
    subject: { issuer: "i", id: name, actors: [] },
    ...more,
  });
  return createRecordDecisions({ store: approval.store }, options)({ entries, origin });
}

async function sightings(name: string) {
  const { rows } = await approval.database.query<{ hour: number; network: string; count: number }>(
    "select hour, network, count from sightings where profile_id = $1 order by last_seen, network",
    [profileId({ issuer: "i", subject: name })],
  );
  return rows;
}

const rows = { due: dueProfiles, markPublished: markProfilesPublished, remove: deleteProfiles };

/** Profile relay and state relay, as the service runs them. */
function startRelays(interval = 0): void {
  const stop = new AbortController();
  const stream = broker.createStream();
  const { database } = approval;
  const metrics = createMetrics({ prefix: "t_" });
  const running = createProfileRelay(
    { rows, leadership: createLeadership({ database, log }, { lockName: "profiles" }), stream, signer, log, metrics },
    { deployment: DEPLOYMENT, topic, interval: durationMs(interval), idleMs: 20 },
  ).run(stop.signal);
  stateTopic.startRelay({ kinds: [publishedIncidents()] });
  stateTopic.defer(async () => {
    stop.abort();
    await running;
    await stream.close();
  });
}

/** A decision service that starts now; without profiles unless they are switched on. */
function startReader({ enabled = true } = {}) {
  const profiles = createProfileView({ verifier }, { deployment: DEPLOYMENT, maxSubjects: 100 });
  const { isFresh } = stateTopic.startReader({ profiles: enabled ? profiles : undefined });
  return {
    isFresh,
    known: (name: string) => profiles.find({ issuer: "i", id: name, groups: [], claims: {}, actors: [] }),
  };
}

const published = (name: string) =>
  broker.records(topic).filter(({ key }) => key === profileKey(profileId({ issuer: "i", subject: name })));

test("what was denied, only asked or done by an agent makes no profile, and nothing does while they are off", async () => {
  const agent = { subject: { issuer: "i", id: "dana", actors: [{ issuer: "i", id: "agent" }] } };
  await told("dana", 0, { outcome: "deny" });
  await told("dana", 0, { mode: "ask" });
  await told("dana", 0, agent);
  await told("dana", 0, {}, { profiles: false });
  const { rows: found } = await approval.database.query("select count(*)::int from profiles");
  expect(found).toEqual([{ count: 0 }]);
});

test("an hour and network counts once in ten minutes, however many logs tell of it at once", async () => {
  const accounts = Array.from({ length: 6 }, (_, n) => `account-${n}`);
  for (const minutes of [0, 9, 10, 19]) {
    await Promise.all([...accounts, ...accounts.toReversed()].map((name) => told(name, minutes)));
  }
  for (const name of accounts) {
    expect(await sightings(name)).toEqual([{ hour: new Date(T).getUTCHours(), network: "192.0.2.0/24", count: 2 }]);
  }
  await told("account-0", 20, { source_address: "198.51.100.1" });
  expect(await sightings("account-0")).toHaveLength(2);
});

test("a decision service whose clock is ahead does not count an account as seen until then", async () => {
  await told("dana", 600 * 24 * 60);
  const { rows: ahead } = await approval.database.query("select 1 from sightings where last_seen > clock_timestamp()");
  expect(ahead).toEqual([]);
});

test("of more than sixteen networks those stay that were seen last", async () => {
  for (let n = 0; n < 20; n += 1) await told("dana", n, { source_address: `198.51.${n}.1` });
  const left = await sightings("dana");
  expect(left.map(({ network }) => network)).toEqual(Array.from({ length: 16 }, (_, n) => `198.51.${n + 4}.0/24`));
});

test("a profile is published beside the set, which stays fresh; one that knows no profiles is as fresh", async () => {
  startRelays();
  const [reader, without] = [startReader(), startReader({ enabled: false })];
  await told("dana", 0, { country: "DE" });
  await told("dana", 70, { source_address: null });
  await waitUntil("the profile", 30_000, () => Object(reader.known("dana"))["observations"] === 2);
  const [first, last] = [new Date(T).toISOString(), new Date(T + 70 * MINUTE).toISOString()];
  const hours = [
    { hour: new Date(first).getUTCHours(), count: 1, last: first },
    { hour: new Date(last).getUTCHours(), count: 1, last },
  ].toSorted((one, other) => one.hour - other.hour);
  expect(reader.known("dana")).toEqual({
    ...{ observations: 2, since: first, as_of: expect.stringMatching(/Z$/), hours },
    networks: [{ network: "192.0.2.0/24", count: 1, last: first }],
    countries: [{ country: "DE", count: 1, last: first }],
  });
  expect(without.known("dana")).toBeUndefined();
  const heartbeats = () => broker.records(topic).filter(({ key }) => key === "heartbeat").length;
  const before = heartbeats();
  await waitUntil("heartbeats that have it behind them", 30_000, () => heartbeats() > before + 3);
  await waitUntil("both to be fresh", 30_000, () => reader.isFresh() && without.isFresh());
  expect(published("dana").every(({ value }) => value !== null)).toBe(true);
});

test("one that goes on changing is published once per interval, and a change in between is not lost", async () => {
  await told("dana", 0);
  const [due] = await dueProfiles(approval.database, durationMs(0), 10);
  if (due === undefined) throw new Error("nothing is due");
  await told("dana", 10);
  await markProfilesPublished(approval.database, [due]);
  expect(await dueProfiles(approval.database, durationMs(HOUR), 10)).toEqual([]);
  expect(await dueProfiles(approval.database, durationMs(0), 10)).toMatchObject([{ profile: { observations: 2 } }]);
});

test("what was not seen for the time that it is kept is deleted, and leaves the topic; what was seen since stays", async () => {
  startRelays();
  const reader = startReader();
  await told("dana", 0);
  await told("max", 0);
  await told("max", 70);
  await waitUntil(
    "both profiles",
    30_000,
    () => reader.known("dana") !== undefined && reader.known("max") !== undefined,
  );
  const sweep = (ms: number) => createSweep({ store: approval.store }, { keepSightings: durationMs(ms) })();
  const age = Date.now() - T;
  expect(await sweep(age + MINUTE)).toMatchObject({ profiles: 0 });
  expect(await sweep(age - MINUTE)).toMatchObject({ profiles: 2 });
  await waitUntil("the tombstone", 30_000, () => reader.known("dana") === undefined);
  await waitUntil("what is left", 30_000, () => Object(reader.known("max"))["observations"] === 1);
  expect(published("dana").at(-1)?.value).toBeNull();
  await waitUntil("the row to be gone", 30_000, async () => {
    const { rows: left } = await approval.database.query("select subject from profiles order by subject");
    return JSON.stringify(left) === '[{"subject":"max"}]';
  });

  await told("dana", 30);
  await waitUntil("a new profile", 30_000, () => Object(reader.known("dana"))["observations"] === 1);
  expect(await createSweep({ store: approval.store })()).toMatchObject({ profiles: 2 });
  await waitUntil("none, as they are switched off", 30_000, () =>
    ["dana", "max"].every((name) => reader.known(name) === undefined),
  );
});

test("one that is seen again while its tombstone is on its way is published again", async () => {
  const name = `again-${randomUUID()}`;
  await told(name, 0);
  await createSweep({ store: approval.store })();
  const gone = await dueProfiles(approval.database, durationMs(0), 10);
  expect(gone).toMatchObject([{ profile: undefined }]);
  await told(name, 20);
  await deleteProfiles(approval.database, gone);
  expect(await dueProfiles(approval.database, durationMs(0), 10)).toMatchObject([{ profile: { observations: 1 } }]);
});
