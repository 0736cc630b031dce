/** What makes an hour or a place look usual, in a real Postgres: days, and nothing that somebody can do within one. */
import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { MOST_DAYS, MOST_FAMILIAR, MOST_RECENT, traitsOf } from "../../../core/domain/profile.ts";
import { instant } from "../../../core/domain/time.ts";
import type { LoggedDecision } from "../../../core/messages/decision-record.ts";
import { type Approval, createApproval } from "./approval-fixture.ts";
import { DAY, dueNow, HOUR, MINUTE, T, tell, traitsOfAccount } from "./told-sightings.ts";

let approval: Approval;
beforeAll(async () => {
  approval = await createApproval();
});
afterAll(() => approval.close());
beforeEach(() => approval.database.query("truncate profiles cascade"));

const told = (after: number, more: Partial<LoggedDecision> = {}, name = "dana") => tell(approval, name, after, more);
const traits = (kind?: string, name = "dana") => traitsOfAccount(approval, name, kind);

test("a stolen token that is used for hours, from everywhere, is one day of each hour and network, however many logs tell of it at once", async () => {
  const accounts = ["dana", "max", "sam"];
  for (let minutes = 0; minutes < 180; minutes += 10) {
    const more = { source_address: `192.0.${minutes % 3}.7` };
    await Promise.all([...accounts, ...accounts.toReversed()].map((name) => told(minutes * MINUTE, more, name)));
  }
  for (const name of accounts) {
    expect(await traits(undefined, name)).toEqual([
      ...["account  1", "hour 00 1", "hour 01 1", "hour 02 1"],
      ...["network 192.0.0.0/24 1", "network 192.0.1.0/24 1", "network 192.0.2.0/24 1"],
    ]);
  }
});

test("what is denied on many days, or needs approval, or was only asked, is seen on none", async () => {
  for (const day of [0, 1, 2, 3]) {
    await told(day * DAY, { outcome: "deny" });
    await told(day * DAY, { outcome: "needs_approval" });
    await told(day * DAY, { mode: "ask" });
  }
  expect(await traits()).toEqual([]);
});

test("each hour and network counts the days on which it was seen, by itself", async () => {
  for (const day of [0, 1, 5]) {
    await told(day * DAY);
    await told(day * DAY + 59 * MINUTE, { source_address: "198.51.100.1" });
  }
  await told(6 * DAY + 10 * HOUR);
  expect(await traits()).toEqual([
    ...["account  4", "hour 00 3", "hour 10 1", "network 192.0.2.0/24 4", "network 198.51.100.0/24 3"],
  ]);
});

test("days further back than are kept do not add up, and what is daily adds up to so many days", async () => {
  for (const day of [0, 29, 30, 60, 61]) await tell(approval, "max", day * DAY - 35 * DAY);
  expect(await traits("hour", "max")).toEqual(["hour 00 2"]);
  for (let day = -2; day <= MOST_DAYS; day += 1) await tell(approval, "dana", day * DAY, {}, { keepDays: 400 });
  expect(await traits("hour")).toEqual([`hour 00 ${MOST_DAYS}`]);
});

test("days that are no longer kept, because it was set to fewer, are not published, before the hour is counted again", async () => {
  for (const day of [0, 12, 13, 31, 32]) await tell(approval, "dana", day * DAY, {}, { keepDays: 90 });
  const hourOf = async (keepDays: number) => (await dueNow(approval, keepDays))[0]?.profile?.hours;
  const last = instant(T + 32 * DAY);
  expect(await hourOf(20)).toEqual([{ hour: 0, days: 3, last }]);
  expect(await hourOf(19)).toEqual([{ hour: 0, days: 2, last }]);
  expect(await hourOf(90)).toEqual([{ hour: 0, days: 5, last }]);
});

test("the two sides of midnight are two days of a place, and one of each hour", async () => {
  await told(DAY - 1);
  await told(DAY);
  expect(await traits()).toEqual(["account  2", "hour 00 1", "hour 23 1", "network 192.0.2.0/24 2"]);
});

test("an earlier day that is told of late is not counted, since it may have been", async () => {
  for (const day of [0, 1, 0, 1, 0]) await told(day * DAY);
  expect(await traits("network")).toEqual(["network 192.0.2.0/24 2"]);
});

test("of several days that are told of at once those count that were not counted", async () => {
  await told(DAY + 30 * MINUTE);
  const seen = { issuer: "i", subject: "dana", hour: 0, network: "192.0.2.0/24", country: "" };
  const days = [0, 1, 1, 2, 3].map((day, n) => ({ ...seen, at: instant(T + day * DAY + n) }));
  await approval.store.transaction("decisions", async (tx) => {
    await tx.profiles.touch(traitsOf(days));
    await tx.profiles.count(traitsOf(days), 30);
  });
  expect(await traits()).toEqual(["account  3", "hour 00 3", "network 192.0.2.0/24 3"]);
});

test("a decision service whose clock is ahead does not count an account as seen until then, nor on days to come", async () => {
  for (const day of [600, 601, 602, 603]) await told(day * DAY);
  const { rows: ahead } = await approval.database.query("select 1 from traits where last_seen > clock_timestamp()");
  expect(ahead).toEqual([]);
  const [network] = await traits("network");
  expect(network).toMatch(/ [12]$/); // two where this meets midnight
});

test("many networks of one day push out none that is familiar, and no hour", async () => {
  const usual = Array.from({ length: MOST_FAMILIAR }, (_, n) => `192.0.${n}`);
  for (const day of [0, 1]) {
    for (const [n, network] of usual.entries()) await told(day * DAY + n * MINUTE, { source_address: `${network}.1` });
  }
  for (let n = 0; n < 40; n += 1) await told(2 * DAY + n * MINUTE, { source_address: `198.51.${n}.1` });
  const left = await traits("network");
  expect(left).toHaveLength(MOST_FAMILIAR + MOST_RECENT);
  expect(left).toEqual(expect.arrayContaining(usual.map((network) => `network ${network}.0/24 2`)));
  expect(left).toEqual(expect.arrayContaining([36, 37, 38, 39].map((n) => `network 198.51.${n}.0/24 1`)));
  expect(await traits("hour")).toEqual(["hour 00 3"]);
});

test("a new network becomes familiar although as many are as can be kept", async () => {
  for (const day of [0, 1]) {
    for (let n = 0; n < MOST_FAMILIAR + MOST_RECENT; n += 1)
      await told(day * DAY + n * MINUTE, { source_address: `192.0.${n}.1` });
  }
  for (const day of [2, 3, 4]) await told(day * DAY, { source_address: "198.51.100.1" });
  expect(await traits("network")).toContain("network 198.51.100.0/24 3");
});

test("of more than sixteen networks that were seen on as many days those stay that were seen last", async () => {
  for (let n = 0; n < 20; n += 1) await told(n * MINUTE, { source_address: `198.51.${100 + n}.1` });
  expect(await traits("network")).toEqual(Array.from({ length: 16 }, (_, n) => `network 198.51.${104 + n}.0/24 1`));
});
