/** Nothing that a service writes is without a crash point: known to the table here, refused by the stand-in while it runs. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { effectOf, isWriting, statePublish, STATEMENTS, TRANSACTIONS } from "./effects.ts";
import { APPROVAL_POINTS } from "./points.ts";

const APPROVAL = join(import.meta.dirname, "../../../services/approval");

test.each([
  "insert into outbox (event) values ($1)",
  "with gone as (delete from denials returning id) select count(*) from gone",
  "update requests set status = $2",
  "update event_stream.heads as known set next = 1",
])("%s writes", (text) => {
  expect(isWriting(text)).toBe(true);
});

test.each([
  "select 1 from requests where id = $1 for update",
  "select id from grants order by id limit $1 for update skip locked",
  "select id from profiles for no key update",
  "select pg_notify(channel, '') from unnest($1::text[]) as channel",
])("%s does not", (text) => {
  expect(isWriting(text)).toBe(false);
});

test("a write that nobody has named has no name", () => {
  expect(effectOf("update outbox set sealed_at = clock_timestamp()", STATEMENTS)).toBeUndefined();
  expect(effectOf("insert into sightings (profile_id) values ($1)", TRANSACTIONS)).toBeUndefined();
  expect(statePublish("policy/7", Buffer.from("x"))).toBeUndefined();
});

test("every name stands for a statement that the service has, and for one alone", async () => {
  const names = [...TRANSACTIONS, ...STATEMENTS].map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(new Set(APPROVAL_POINTS).size).toBe(APPROVAL_POINTS.length);
  const files = (await readdir(APPROVAL, { recursive: true })).filter((file) => /(?<!\.test)\.ts$/.test(file));
  const sources = await Promise.all(files.map((file) => readFile(join(APPROVAL, file), "utf8")));
  // Some are one text for two tables or columns.
  const given = [
    ["${table}", "grants"],
    ["${table}", "incidents"],
    ["${column}", "expires_at"],
    ["${column}", "escalate_at"],
  ] as const;
  const all = sources.join("\n");
  const whole = given.map(([hole, word]) => all.replaceAll(hole, word)).join("\n");
  expect([...TRANSACTIONS, ...STATEMENTS].filter(({ is }) => !is(whole)).map(({ name }) => name)).toEqual([]);
});
