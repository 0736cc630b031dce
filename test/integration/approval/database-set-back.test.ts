/**
 * A database that was restored, or failed over with a loss, behind the state topic: what it has forgotten is revoked, not opened again.
 */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { Grant } from "../../../core/domain/grant.ts";
import { grantKey } from "../../../core/messages/state-record.ts";
import type { Database } from "../../../platform/postgres/pool.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import type { MemoryBroker } from "../../harness/memory-stream.ts";
import { insertGrant, migratedDatabase } from "./migrated-database.ts";
import { areSettled, type Reader, readAll } from "./read-state-topic.ts";
import { openStateTopic, type StateTopic, TOPIC } from "./state-topic.ts";

let database: Database;
let topic: StateTopic;
let broker: MemoryBroker;
let startRelay: StateTopic["startRelay"];

beforeEach(async () => {
  database = await migratedDatabase();
  topic = openStateTopic(database);
  ({ broker, startRelay } = topic);
});
afterEach(async () => {
  await topic[Symbol.asyncDispose]();
  await database.close();
});

const settledOn = (check: (reader: Reader) => boolean) => () => areSettled(broker.records(TOPIC), check);

test("a database set back behind the topic opens nothing again: what it forgot about is revoked, and readers are fresh", async () => {
  let halt = startRelay();
  const [used, untouched, unknown] = [
    await insertGrant(database),
    await insertGrant(database),
    await insertGrant(database),
  ];
  await database.query("update grants set state = 'consumed', uses = 1, version = 5 where id = $1", [used]);
  const stateOf = (grantId: Grant["id"]) => (reader: Reader) => reader.view.get(grantKey(grantId))?.state;
  await waitUntil(
    "the use",
    30_000,
    settledOn((reader) => reader.view.size === 3 && stateOf(used)(reader) === "consumed"),
  );
  await halt();

  await database.query(
    "update grants set state = 'active', uses = 0, version = 1, published_version = 1 where id = $1",
    [used],
  );
  await database.query("delete from grants where id = $1", [unknown]); // made after the backup
  halt = startRelay();
  await waitUntil(
    "the repair",
    30_000,
    settledOn((reader) => reader.view.size === 2 && stateOf(used)(reader) === "revoked"),
  );
  expect(stateOf(untouched)(readAll(broker.records(TOPIC)))).toBe("active");
  const { rows: after } = await database.query(
    `select version, state, (select count(*)::int from outbox
                              where event ->> 'type' = 'countersign.grant.revoked.v1'
                                and event -> 'data' ->> 'reason' = 'database_behind_topic') as told
       from grants where id = $1`,
    [used],
  );
  expect(after).toEqual([{ version: 6, state: "revoked", told: 1 }]);
});

test("a database set back is noticed also where a null stands last, and where it went on before the relay did", async () => {
  const halt = startRelay();
  const [nulled, changed] = [await insertGrant(database), await insertGrant(database)];
  await database.query("update grants set state = 'consumed', uses = 1, version = 5");
  const both = (state: Grant["state"]) =>
    settledOn(({ view }) => [nulled, changed].every((one) => view.get(grantKey(one))?.state === state));
  await waitUntil("the uses", 30_000, both("consumed"));
  await halt();
  await database.query("update grants set state = 'active', uses = 0, version = 1, published_version = 1");
  broker.append({ topic: TOPIC, key: grantKey(nulled), value: null });
  await database.query("update grants set version = 2 where id = $1", [changed]);
  startRelay();
  await waitUntil("the repair", 30_000, both("revoked"));
  const { rows } = await database.query("select version, state from grants");
  expect(rows).toEqual([
    { version: 6, state: "revoked" },
    { version: 6, state: "revoked" },
  ]);
});
