/** Countries of a profile in a real Postgres: counted with the decisions that tell of them, bounded, forgotten, and due to be published. */
import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { MOST_COUNTRIES } from "../../../core/domain/profile.ts";
import { durationMs } from "../../../core/domain/time.ts";
import type { LoggedDecision } from "../../../core/messages/decision-record.ts";
import { profileId } from "../../../core/messages/profile-record.ts";
import { createRecordDecisions } from "../../../services/approval/commands/record-decision.ts";
import { createSweep } from "../../../services/approval/commands/sweep.ts";
import { storedOffset } from "../../../services/approval/store/offsets.ts";
import { deleteProfiles, dueProfiles } from "../../../services/approval/store/published-profiles.ts";
import { type Approval, createApproval } from "./approval-fixture.ts";
import { logOf } from "./decision-log-fixture.ts";

const HOUR = 3_600_000;
const MINUTE = 60_000;
/** The beginning of an hour that is over: a sighting is never later than the database's clock. */
const T = Math.floor(Date.now() / HOUR) * HOUR - 2 * HOUR;

let approval: Approval;
beforeAll(async () => {
  approval = await createApproval();
});
afterAll(() => approval.close());
beforeEach(() => approval.database.query("truncate profiles cascade"));

let partition = 0;
async function told(minutes: number, more: Partial<LoggedDecision>, name = "dana") {
  partition += 1;
  const origin = { topic: "decisions", partition, from: 0n, next: 1n };
  await storedOffset(approval.database, origin.topic, partition, 0n);
  const subject = { issuer: "i", id: name, actors: [] };
  const entries = logOf(2, { time: at(minutes), source_address: "192.0.2.7", subject, ...more });
  return createRecordDecisions({ store: approval.store }, { profiles: true })({ entries, origin });
}

const at = (minutes: number) => new Date(T + minutes * MINUTE).toISOString();
const due = () => dueProfiles(approval.database, durationMs(0), 10);

async function countries(name = "dana") {
  const { rows } = await approval.database.query<{ country: string; count: number; last_seen: Date }>(
    "select country, count, last_seen from country_sightings where profile_id = $1 order by last_seen, country",
    [profileId({ issuer: "i", subject: name })],
  );
  return rows.map(({ country, count, last_seen: last }) => `${country} ${count} ${last.toISOString()}`);
}

test("what was denied counts for no country, and an address that no database knows for none either", async () => {
  await told(0, { outcome: "deny", country: "DE" });
  expect(await due()).toEqual([]);
  await told(0, {});
  expect(await countries()).toEqual([]);
  expect(await due()).toMatchObject([{ profile: { observations: 1, countries: [] } }]);
});

test("a country counts once in ten minutes, from however many networks and logs at once", async () => {
  for (const minutes of [0, 9, 10, 19]) {
    const networks = ["192.0.2.7", "198.51.100.7", "203.0.113.7"];
    await Promise.all(networks.map((address) => told(minutes, { country: "DE", source_address: address })));
  }
  await told(20, { country: "FR" });
  await told(20, { country: "DE" }, "max");
  expect(await countries()).toEqual([`DE 2 ${at(10)}`, `FR 1 ${at(20)}`]);
  expect(await countries("max")).toEqual([`DE 1 ${at(20)}`]);
});

test("a country stays known when the networks there were pushed out by newer ones", async () => {
  await told(0, { country: "DE" });
  for (let n = 0; n < 16; n += 1) await told(n + 1, { country: "FR", source_address: `198.51.${n}.1` });
  const [{ profile } = { profile: undefined }] = await due();
  expect(profile?.networks.map(({ network }) => network)).not.toContain("192.0.2.0/24");
  expect(profile?.countries).toEqual([
    { country: "DE", count: 1, last: T },
    { country: "FR", count: 2, last: T + 11 * MINUTE },
  ]);
});

test(`of more than ${MOST_COUNTRIES} countries those stay that were seen last`, async () => {
  const codes = Array.from({ length: MOST_COUNTRIES + 3 }, (_, n) => `A${String.fromCharCode(65 + n)}`);
  for (const [n, country] of codes.entries()) await told(n, { country, source_address: `198.51.${n}.1` });
  expect((await countries()).map((line) => line.slice(0, 2))).toEqual(codes.slice(3));
});

test("a country that was not seen for the time that is kept is deleted, and with the last one the profile", async () => {
  await told(0, { country: "DE" });
  await told(60, { country: "FR", source_address: "198.51.100.7" });
  const sweep = (ms: number) => createSweep({ store: approval.store }, { keepSightings: durationMs(ms) })();
  const age = Date.now() - T;
  expect(await sweep(age + MINUTE)).toMatchObject({ profiles: 0 });
  expect(await sweep(age - MINUTE)).toMatchObject({ profiles: 1 });
  expect(await countries()).toEqual([`FR 1 ${at(60)}`]);
  expect(await sweep(0)).toMatchObject({ profiles: 1 });
  const gone = await due();
  expect(gone).toMatchObject([{ profile: undefined }]);
  await deleteProfiles(approval.database, gone);
  expect(await countries()).toEqual([]);
});

test("a country alone, whose networks were all pushed out or forgotten, is forgotten too", async () => {
  await told(0, { country: "DE" });
  await approval.database.query("delete from sightings");
  expect(await createSweep({ store: approval.store })()).toMatchObject({ profiles: 1 });
  expect(await countries()).toEqual([]);
});
