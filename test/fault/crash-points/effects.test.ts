/** Nothing that the approval service writes is without a crash point. */
import { expect, test } from "@jest/globals";
import { isWriting, statementName, statePublish, STATEMENTS } from "./effects.ts";
import { APPROVAL_POINTS } from "./points.ts";
import { COMMITS } from "./work.ts";
import { writtenByApproval, writtenIn } from "./written.ts";

/** One text for two tables. */
const TABLES = ["grants", "incidents"];

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

test("a statement or state record that nobody has named has no name", () => {
  expect(statementName("update outbox set sealed_at = clock_timestamp()")).toBeUndefined();
  expect(statePublish("policy/7", Buffer.from("x"))).toBeUndefined();
});

test("a write outside of a transaction, one in a function that is not always given one, and a transaction without a name are found", () => {
  const source = `
    async function alone(db) { await db.query("delete from a"); }
    async function inside(db) { await db.query("delete from b"); }
    async function both(db) { await db.query("delete from c"); }
    async function work(database) {
      await alone(database);
      await both(database);
      await database.transaction("named", async (tx) => { await inside(tx); await both(tx); await tx.query(\`delete from d\`); });
      await database.transaction((tx) => inside(tx));
    }`;
  const { alone, transactions } = writtenIn(new Map([["a.ts", source]]));
  expect(alone.map(({ text }) => text)).toEqual(["delete from a", "delete from c"]);
  expect(transactions).toEqual([
    { at: "a.ts:8", text: "named" },
    { at: "a.ts:9", text: "(none)" },
  ]);
});

const written = await writtenByApproval();

test("every transaction of the approval service has a name, and a point by it", () => {
  const names = written.transactions.map(({ text }) => text);
  expect(names.length).toBeGreaterThan(10);
  expect(names.filter((name) => !(name in COMMITS))).toEqual([]);
});

test("so has every statement that it makes outside of one, and every name stands for one", () => {
  const texts = written.alone.flatMap(({ at, text }) =>
    TABLES.map((table) => ({ at, text: text.replaceAll("update hole set", `update ${table} set`) })),
  );
  expect(texts.filter(({ text }) => statementName(text) === undefined)).toEqual([]);
  const found = new Set(texts.map(({ text }) => statementName(text)));
  expect(STATEMENTS.map(([name]) => name).filter((name) => !found.has(name))).toEqual([]);
});

test("each has a point before and one after", () => {
  const missing = Object.keys(COMMITS).flatMap((name) =>
    ["before", "after"].map((side) => `${name} ${side} commit`).filter((point) => !APPROVAL_POINTS.has(point)),
  );
  expect(missing).toEqual([]);
});
