/** Countries of a profile in a real Postgres: counted with the decisions that tell of them, bounded, forgotten, and due to be published. */
import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { MOST_FAMILIAR, MOST_RECENT } from "../../../core/domain/profile.ts";
import type { LoggedDecision } from "../../../core/messages/decision-record.ts";
import { profileId } from "../../../core/messages/profile-record.ts";
import { createSweep } from "../../../services/approval/commands/sweep.ts";
import { deleteProfiles } from "../../../services/approval/store/published-profiles.ts";
import { type Approval, createApproval } from "./approval-fixture.ts";
import { at, DAY, dueNow, MINUTE, T, tell } from "./told-sightings.ts";

let approval: Approval;
beforeAll(async () => {
  approval = await createApproval();
});
afterAll(() => approval.close());
beforeEach(() => approval.database.query("truncate profiles cascade"));

const told = (after: number, more: Partial<LoggedDecision>, name = "dana") => tell(approval, name, after, more);
const due = () => dueNow(approval);

async function countries(name = "dana") {
  const { rows } = await approval.database.query<{ value: string; days: number; last_seen: Date }>(
    `select value, cardinality(days) as days, last_seen from traits where profile_id = $1 and kind = 'country' order by last_seen, value`,
    [profileId({ issuer: "i", subject: name })],
  );
  return rows.map(({ value, days, last_seen: last }) => `${value} ${days} ${last.toISOString()}`);
}

test("what was denied counts for no country, and an address that no database knows for none either", async () => {
  await told(0, { outcome: "deny", country: "DE" });
  expect(await due()).toEqual([]);
  await told(0, {});
  expect(await countries()).toEqual([]);
  expect(await due()).toMatchObject([{ profile: { days: 1, countries: [] } }]);
});

test("a country counts once a day, from however many networks and logs at once", async () => {
  for (const after of [0, 9 * MINUTE, 10 * MINUTE, 700 * MINUTE, DAY]) {
    const networks = ["192.0.2.7", "198.51.100.7", "203.0.113.7"];
    await Promise.all(networks.map((address) => told(after, { country: "DE", source_address: address })));
  }
  await told(DAY + MINUTE, { country: "FR" });
  await told(MINUTE, { country: "DE" }, "max");
  expect(await countries()).toEqual([`DE 2 ${at(DAY)}`, `FR 1 ${at(DAY + MINUTE)}`]);
  expect(await countries("max")).toEqual([`DE 1 ${at(MINUTE)}`]);
});

test("many countries of one day do not push out one that is familiar", async () => {
  for (const day of [0, 1]) await told(day * DAY, { country: "DE" });
  for (let n = 0; n < 20; n += 1) await told(2 * DAY + n * MINUTE, { country: `A${String.fromCharCode(65 + n)}` });
  expect((await countries())[0]).toBe(`DE 2 ${at(DAY)}`);
});

test("a country stays known when the networks there were pushed out by newer ones", async () => {
  await told(0, { country: "DE" });
  for (let n = 0; n < 16; n += 1) await told((n + 1) * MINUTE, { country: "FR", source_address: `198.51.${n}.1` });
  const [{ profile } = { profile: undefined }] = await due();
  expect(profile?.networks.map(({ network }) => network)).not.toContain("192.0.2.0/24");
  expect(profile?.countries).toEqual([
    { country: "DE", days: 1, last: T },
    { country: "FR", days: 1, last: T + MINUTE },
  ]);
});

test("of more countries than are kept, seen on as many days, those stay that were seen last", async () => {
  const codes = Array.from({ length: MOST_FAMILIAR + MOST_RECENT + 3 }, (_, n) => `A${String.fromCharCode(65 + n)}`);
  for (const [n, country] of codes.entries()) await told(n * MINUTE, { country, source_address: `198.51.${n}.1` });
  expect((await countries()).map((line) => line.slice(0, 2))).toEqual(codes.slice(3));
});

test("a country that was not seen for the time that is kept is deleted, and with the last one the profile", async () => {
  await told(0, { country: "DE" });
  await told(2 * DAY, { country: "FR", source_address: "198.51.100.7" });
  const sweep = (ms: number) => createSweep({ store: approval.store }, { keepDays: ms / DAY })();
  const age = Date.now() - T;
  expect(await sweep(age + MINUTE)).toMatchObject({ profiles: 0 });
  expect(await sweep(age - MINUTE)).toMatchObject({ profiles: 1 });
  expect(await countries()).toEqual([`FR 1 ${at(2 * DAY)}`]);
  expect(await sweep(0)).toMatchObject({ profiles: 1 });
  const gone = await due();
  expect(gone).toMatchObject([{ profile: undefined }]);
  await deleteProfiles(approval.database, gone);
  expect(await countries()).toEqual([]);
});

test("a country alone, whose networks were all pushed out or forgotten, is forgotten too", async () => {
  await told(0, { country: "DE" });
  await approval.database.query("delete from traits where kind <> 'country'");
  expect(await createSweep({ store: approval.store })()).toMatchObject({ profiles: 1 });
  expect(await countries()).toEqual([]);
});
