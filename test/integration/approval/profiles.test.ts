/**
 * Profiles on their way: decisions that are recorded, rows of a real Postgres, the profile relay beside the state relay, and the decision
 * service's own reader.
 */
import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { durationMs } from "../../../core/domain/time.ts";
import type { LoggedDecision } from "../../../core/messages/decision-record.ts";
import { profileId, profileKey } from "../../../core/messages/profile-record.ts";
import { HEARTBEAT_KEY } from "../../../core/messages/state-record.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { createLeadership } from "../../../platform/postgres/leadership.ts";
import { createSweep } from "../../../services/approval/commands/sweep.ts";
import { createProfileRelay } from "../../../services/approval/publish/profile-relay.ts";
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
import { DEPLOYMENT, silent as log } from "./migrated-database.ts";
import { openStateTopic, signer, type StateTopic, TOPIC as topic, verifier } from "./state-topic.ts";
import { at, DAY, dueNow, HOUR, MINUTE, T, tell } from "./told-sightings.ts";

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

const told = (name: string, after: number, more: Partial<LoggedDecision> = {}, options?: { keepDays?: number }) =>
  tell(approval, name, after, more, options);

const rows = { due: dueProfiles, markPublished: markProfilesPublished, remove: deleteProfiles };

/** Profile relay and state relay, as the service runs them. */
function startRelays(interval = 0): void {
  const stop = new AbortController();
  const stream = broker.createStream();
  const { database } = approval;
  const metrics = createMetrics({ prefix: "t_" });
  const running = createProfileRelay(
    { rows, leadership: createLeadership({ database, log }, { lockName: "profiles" }), stream, signer, log, metrics },
    { deployment: DEPLOYMENT, topic, interval: durationMs(interval), keepDays: 30, idleMs: 20 },
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
  await told("dana", 0, {}, {});
  const { rows: found } = await approval.database.query("select count(*)::int from profiles");
  expect(found).toEqual([{ count: 0 }]);
});

test("a profile is published beside the set, which stays fresh; one that knows no profiles is as fresh", async () => {
  startRelays();
  const [reader, without] = [startReader(), startReader({ enabled: false })];
  await told("dana", 0, { country: "DE" });
  await told("dana", 34 * HOUR, { source_address: null });
  await waitUntil("the profile", 30_000, () => Object(reader.known("dana"))["days"] === 2);
  const [first, last] = [at(0), at(34 * HOUR)];
  const hours = [
    { hour: 0, days: 1, last: first },
    { hour: 10, days: 1, last },
  ];
  expect(reader.known("dana")).toEqual({
    ...{ days: 2, since: first, as_of: expect.stringMatching(/Z$/), hours },
    networks: [{ network: "192.0.2.0/24", days: 1, last: first }],
    countries: [{ country: "DE", days: 1, last: first }],
  });
  expect(without.known("dana")).toBeUndefined();
  const heartbeats = () => broker.records(topic).filter(({ key }) => key === HEARTBEAT_KEY).length;
  const before = heartbeats();
  await waitUntil("heartbeats that have it behind them", 30_000, () => heartbeats() > before + 3);
  await waitUntil("both to be fresh", 30_000, () => reader.isFresh() && without.isFresh());
  expect(published("dana").every(({ value }) => value !== null)).toBe(true);
});

test("one that goes on changing is published once per interval, and a change in between is not lost", async () => {
  await told("dana", 0);
  const [due] = await dueNow(approval);
  if (due === undefined) throw new Error("nothing is due");
  await told("dana", DAY);
  await markProfilesPublished(approval.database, [due]);
  expect(await dueProfiles(approval.database, { interval: durationMs(HOUR), keepDays: 30 }, 10)).toEqual([]);
  expect(await dueNow(approval)).toMatchObject([{ profile: { days: 2 } }]);
});

test("what was not seen for the time that it is kept is deleted, and leaves the topic; what was seen since stays", async () => {
  startRelays();
  const reader = startReader();
  await told("dana", 0);
  await told("max", 0);
  await told("max", 25 * HOUR);
  await waitUntil(
    "both profiles",
    30_000,
    () => reader.known("dana") !== undefined && reader.known("max") !== undefined,
  );
  const sweep = (ms: number) => createSweep({ store: approval.store }, { keepDays: ms / DAY })();
  const age = Date.now() - T;
  expect(await sweep(age + MINUTE)).toMatchObject({ profiles: 0 });
  expect(await sweep(age - MINUTE)).toMatchObject({ profiles: 2 });
  await waitUntil("the tombstone", 30_000, () => reader.known("dana") === undefined);
  const left = [{ hour: 1, days: 1, last: at(25 * HOUR) }];
  await waitUntil("what is left", 30_000, () => {
    return JSON.stringify(Object(reader.known("max"))["hours"]) === JSON.stringify(left);
  });
  expect(published("dana").at(-1)?.value).toBeNull();
  await waitUntil("the row to be gone", 30_000, async () => {
    const { rows: kept } = await approval.database.query("select subject from profiles order by subject");
    return JSON.stringify(kept) === '[{"subject":"max"}]';
  });

  await told("dana", 30 * MINUTE);
  await waitUntil("a new profile", 30_000, () => Object(reader.known("dana"))["days"] === 1);
  expect(await createSweep({ store: approval.store })()).toMatchObject({ profiles: 2 });
  await waitUntil("none, as they are switched off", 30_000, () =>
    ["dana", "max"].every((name) => reader.known(name) === undefined),
  );
});

test("one that is seen again while its tombstone is on its way is published again", async () => {
  const name = `again-${randomUUID()}`;
  await told(name, 0);
  await createSweep({ store: approval.store })();
  const gone = await dueNow(approval);
  expect(gone).toMatchObject([{ profile: undefined }]);
  await told(name, 20 * MINUTE);
  await deleteProfiles(approval.database, gone);
  expect(await dueNow(approval)).toMatchObject([{ profile: { days: 1 } }]);
});
