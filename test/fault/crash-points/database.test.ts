/** The stand-in of the database, on one that only remembers: what nobody has named does not happen, all else as it would without. */
import { expect, test } from "@jest/globals";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import { withPoints } from "./database.ts";

function remembering() {
  const done: string[] = [];
  const on: Queryable = {
    async query(text, _values, prepared) {
      done.push(prepared === undefined ? text : `${text} as ${prepared}`);
      return { command: "UPDATE", rowCount: 1, oid: 0, fields: [], rows: [] };
    },
  };
  const database = withPoints({
    ...on,
    async transaction(name, work) {
      const result = await work(on);
      done.push(`commit ${name}`);
      return result;
    },
  });
  return { done, database };
}

test("a statement that writes and has no name is refused before it is made", async () => {
  const { done, database } = remembering();
  await expect(database.query("update outbox set event = null")).rejects.toThrow("no crash point is named for this");
  expect(done).toEqual([]);
});

test("what only reads needs none, what has a name is made, and prepared statements stay prepared", async () => {
  const { done, database } = remembering();
  await database.query("select 1", [], "one");
  await database.query("delete from republish where id = 1");
  await database.transaction("offset", (tx) => tx.query("update offsets set next_offset = 1", [], "two"));
  expect(done).toEqual([
    "select 1 as one",
    "delete from republish where id = 1",
    "update offsets set next_offset = 1 as two",
    "commit offset",
  ]);
});
