/**
 * Incidents on their way: rows of a real Postgres, the state relay, and the decision service's own reader. What it says of incidents is
 * either what security said, or marked as not fresh.
 */
import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { id } from "../../../core/domain/id.ts";
import { ENVELOPE_HEADERS } from "../../../core/messages/envelope.ts";
import { incidentKey } from "../../../core/messages/incident-record.ts";
import { HEARTBEAT_KEY } from "../../../core/messages/state-record.ts";
import type { Database } from "../../../platform/postgres/pool.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import type { MemoryBroker } from "../../harness/memory-stream.ts";
import { insertGrant, migratedDatabase } from "./migrated-database.ts";
import { openStateTopic, type StateTopic, TOPIC as topic } from "./state-topic.ts";

let database: Database;
let stateTopic: StateTopic;
let broker: MemoryBroker;
let startRelay: StateTopic["startRelay"];

beforeEach(async () => {
  database = await migratedDatabase();
  stateTopic = openStateTopic(database);
  ({ broker, startRelay } = stateTopic);
});
afterEach(async () => {
  await stateTopic[Symbol.asyncDispose]();
  await database.close();
});

/** A decision service that starts now: what its policies get of incidents, and what that is worth. */
function startReader() {
  const { view, isFresh } = stateTopic.startReader();
  /** Waits until it is fresh with exactly these open. */
  const says = (what: string, ...open: readonly string[]) =>
    waitUntil(what, 10_000, () => {
      const listed = view.incidents()?.map((one) => Object(one).id) ?? ["unknown"];
      return isFresh() && JSON.stringify(listed) === JSON.stringify(open);
    });
  return { view, isFresh, says };
}

async function open(): Promise<string> {
  const incidentId = randomUUID();
  await database.query(
    "insert into incidents (id, version, state, severity, scope, title, opened_at) values ($1, 1, 'open', 'high', 'orders', 't', now())",
    [incidentId],
  );
  return incidentId;
}
const close = (incidentId: string) =>
  database.query("update incidents set state = 'closed', version = version + 1, closed_at = now() where id = $1", [
    incidentId,
  ]);
const keyOf = (incidentId: string) => incidentKey(id("incident", incidentId));
const recordOf = (incidentId: string) => {
  const found = broker.records(topic).find(({ key }) => key === keyOf(incidentId));
  if (found === undefined) throw new Error("no record of the incident");
  return found;
};

test("one that is opened is known as soon as it is committed, beside the grants, and gone when it is closed", async () => {
  const reader = startReader();
  expect(reader.view.incidents()).toBeUndefined();
  startRelay();
  await reader.says("that none is open");
  await insertGrant(database);
  const [first, second] = [await open(), await open()];
  await reader.says("both", first, second);
  expect(reader.view.incidents()?.[0]).toEqual({
    ...{ id: first, severity: "high", scope: "orders" },
    since: expect.stringMatching(/^\d{4}-.*Z$/),
  });
  await close(first);
  await reader.says("the second", second);
  expect(reader.view.size).toBe(3);
});

test("a replayed older record brings no closed one back, in a running reader or in one that starts after it", async () => {
  startRelay();
  const running = startReader();
  const incident = await open();
  await running.says("the incident", incident);
  const old = recordOf(incident);
  await close(incident);
  await running.says("its end");

  broker.append({ topic, key: old.key ?? "", value: old.value, headers: old.headers });
  await running.says("still its end");
  const restarted = startReader();
  await restarted.says("its end after a restart");
});

test("a list of which somebody's null took one keeps it, and is not fresh until the relay has put it back", async () => {
  const halt = startRelay();
  const reader = startReader();
  const incident = await open();
  await reader.says("the incident", incident);
  await halt();
  broker.append({ topic, key: keyOf(incident), value: null });
  await waitUntil("the null to be read", 30_000, () => reader.view.size === 0);
  await waitUntil("what is old to be old", 30_000, () => !reader.isFresh());
  expect(reader.view.incidents()).toMatchObject([{ id: incident }]);
  startRelay();
  await reader.says("the incident again", incident);
});

test("where the topic is ahead of a restored database, what the database says stands, above the topic, and is fresh", async () => {
  const halt = startRelay();
  const reader = startReader();
  const incident = await open();
  await close(incident);
  await reader.says("that it is closed");
  // Not the record of its beginning, beside which the list may have been empty before.
  const isItsEnd = ({ key, headers }: ReturnType<typeof broker.records>[number]) =>
    key === keyOf(incident) && headers.get(ENVELOPE_HEADERS.version)?.toString() === "2";
  await waitUntil("the record of its end", 30_000, () => broker.records(topic).some(isItsEnd));
  await halt();
  await database.query(
    "update incidents set state = 'open', version = 1, published_version = 1, closed_at = null where id = $1",
    [incident],
  );
  startRelay();
  await reader.says("that it is open", incident);
  const { rows } = await database.query("select version from incidents where id = $1", [incident]);
  expect(rows).toEqual([{ version: 3 }]);
});

test("one that a restored database knows nothing of is over once the relay has taken it off the topic", async () => {
  const halt = startRelay();
  const reader = startReader();
  const incident = await open();
  await reader.says("the incident", incident);
  await halt();
  await database.query("delete from incidents where id = $1", [incident]);
  startRelay();
  await reader.says("that none is open");
});

test("a closed one leaves the topic 24 hours after its end and not before", async () => {
  startRelay();
  const reader = startReader();
  const incident = await open();
  await close(incident);
  await reader.says("that it is closed");
  await waitUntil("its record", 30_000, () => reader.view.size === 1);
  const closedAgo = (hours: number) =>
    database.query("update incidents set closed_at = now() - $2 * interval '1 hour' where id = $1", [incident, hours]);
  await closedAgo(23.9);
  const heartbeats = () => broker.records(topic).filter(({ key }) => key === HEARTBEAT_KEY).length;
  const before = heartbeats();
  await waitUntil("more heartbeats", 30_000, () => heartbeats() > before + 3);
  expect(reader.view.size).toBe(1);
  await closedAgo(24.1);
  await waitUntil("the tombstone", 30_000, () => reader.view.size === 0);
  await reader.says("a set that is whole");
});
