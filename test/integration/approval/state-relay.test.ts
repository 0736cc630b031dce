/**
 * The state relay on a real Postgres, read by a model of what a decision service keeps: every heartbeat must find the reader's
 * set equal, and what was committed before its T already read.
 */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { Grant } from "../../../core/domain/grant.ts";
import { EARLIER_HEARTBEAT_KEY, grantKey, HEARTBEAT_KEY } from "../../../core/messages/state-record.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import type { Database } from "../../../platform/postgres/pool.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import type { MemoryBroker } from "../../harness/memory-stream.ts";
import { insertGrant, migratedDatabase } from "./migrated-database.ts";
import { areSettled, compacted, isEqualEarlier, type Reader, readAll } from "./read-state-topic.ts";
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

const fresh = () => readAll(broker.records(TOPIC));
const afterCompaction = () => readAll(compacted(broker.records(TOPIC)));
const settledOn = (check: (reader: Reader) => boolean) => () => areSettled(broker.records(TOPIC), check);

async function databaseMs(): Promise<number> {
  const { rows } = await database.query<{ ms: number }>(
    "select ceil(extract(epoch from clock_timestamp()) * 1000)::float8 as ms",
  );
  return rows[0]?.ms ?? Number.NaN;
}

async function revoke(grantId: Grant["id"]): Promise<void> {
  await database.query("update grants set state = 'revoked', version = version + 1 where id = $1", [grantId]);
}

test("every heartbeat finds the set equal and everything committed before its T read, while writers go on and acknowledgements get lost", async () => {
  let tries = 0;
  broker.fate = () => {
    tries += 1;
    if (tries % 4 === 1) return "lose";
    return tries % 4 === 3 ? "lose_acknowledgement" : "take";
  };
  startRelay();
  const committed: { grantId: Grant["id"]; at: number }[] = [];
  for (let n = 0; n < 25; n += 1) {
    const grantId = await insertGrant(database);
    if (n % 3 === 0) await revoke(grantId);
    committed.push({ grantId, at: await databaseMs() });
  }
  await waitUntil(
    "all grants on the topic",
    30_000,
    settledOn((reader) => reader.view.size === 25),
  );
  const records = broker.records(TOPIC);
  for (let end = 1; end <= records.length; end += 1) {
    if (records[end - 1]?.key === EARLIER_HEARTBEAT_KEY) expect(isEqualEarlier(records.slice(0, end))).toBe(true);
    if (records[end - 1]?.key !== HEARTBEAT_KEY) continue;
    const reader = readAll(records.slice(0, end));
    expect(reader.latest?.equal).toBe(true);
    for (const { grantId, at } of committed)
      if (at < (reader.latest?.time ?? 0)) expect(reader.view.get(grantKey(grantId))).toBeDefined();
  }
});

test("a row that cannot be published stops the heartbeat; once it is gone heartbeats go on", async () => {
  startRelay();
  await waitUntil("a heartbeat", 30_000, () => fresh().heartbeats > 0);
  const tooLarge = await insertGrant(database, { issuer: "x".repeat(70_000) });
  const small = await insertGrant(database);
  const committedAt = await databaseMs();
  await database.query("select pg_sleep(0.5)"); // many heartbeats would fit
  // One may have been on its way, of a time before the row.
  expect(fresh().latest?.time).toBeLessThanOrEqual(committedAt);
  const stoppedAt = fresh().heartbeats;
  await database.query("delete from grants where id = $1", [tooLarge]);
  await waitUntil(
    "the other grant",
    30_000,
    settledOn(({ view }) => view.get(grantKey(small)) !== undefined),
  );
  await waitUntil("a heartbeat", 30_000, () => fresh().heartbeats > stoppedAt);
});

test("killed between publish and mark, the next leader publishes the row again and its first heartbeat finds the set equal", async () => {
  const grantId = await insertGrant(database);
  const halt = startRelay();
  broker.fate = (records) => (records.some(({ key }) => key !== HEARTBEAT_KEY) ? "lose_acknowledgement" : "take");
  await waitUntil("the grant on the topic", 30_000, () => fresh().view.size === 1);
  await halt();
  await revoke(grantId);
  expect(fresh().heartbeats).toBe(0);
  broker.fate = () => "take";
  startRelay();
  await waitUntil(
    "the revocation",
    30_000,
    settledOn(({ view }) => view.get(grantKey(grantId))?.state === "revoked"),
  );
});

test("an older signed record, a forged null, a value nobody signed and a topic made anew are each repaired without a restart", async () => {
  const metrics = createMetrics({ prefix: "t_" });
  startRelay({ metrics });
  const grantId = await insertGrant(database);
  const key = grantKey(grantId);
  await waitUntil(
    "the grant",
    30_000,
    settledOn(({ view }) => view.get(key)?.state === "active"),
  );
  const old = broker.records(TOPIC).find((record) => record.key === key);
  if (old === undefined) throw new Error("no record of the grant");
  await revoke(grantId);
  const isRevoked = settledOn(({ view }) => view.get(key)?.state === "revoked");
  await waitUntil("the revocation", 30_000, isRevoked);

  broker.append({ topic: TOPIC, key, value: old.value, headers: old.headers });
  expect(afterCompaction().view.get(key)?.state).toBe("active");
  expect(afterCompaction().latest?.equal).toBe(false); // a restarting reader would honour nothing
  await waitUntil("repair of the replay", 30_000, isRevoked);

  broker.append({ topic: TOPIC, key, value: null });
  await waitUntil("repair of the null", 30_000, isRevoked);

  broker.append({ topic: TOPIC, key, value: Buffer.from("{}") });
  await waitUntil("repair of the unsigned value", 30_000, isRevoked);

  broker.recreate(TOPIC);
  await waitUntil("repair of the topic", 30_000, isRevoked);
  const { text } = await metrics.expose();
  expect(Number(/^t_state_repaired_total (\d+)/m.exec(text)?.[1])).toBeGreaterThanOrEqual(4);
});

test("a grant that ended gets a tombstone 15 minutes after its time and not before; a record replayed after it is removed again", async () => {
  startRelay();
  const grantId = await insertGrant(database);
  const key = grantKey(grantId);
  await waitUntil(
    "the grant",
    30_000,
    settledOn(({ view }) => view.size === 1),
  );
  const old = broker.records(TOPIC).find((record) => record.key === key);
  const endedAgo = (minutes: number) =>
    database.query(
      `update grants set state = 'expired', version = version + 1, not_before = now() - interval '2 hours',
              expires_at = now() - $2 * interval '1 minute' where id = $1`,
      [grantId, minutes],
    );
  await endedAgo(14);
  await waitUntil(
    "the end",
    30_000,
    settledOn(({ view }) => view.get(key)?.state === "expired"),
  );
  const at = fresh().heartbeats;
  await waitUntil("more heartbeats", 30_000, () => fresh().heartbeats > at + 3);
  expect(fresh().view.size).toBe(1);
  await endedAgo(16);
  await waitUntil(
    "the tombstone",
    30_000,
    settledOn(({ view }) => view.size === 0),
  );
  broker.append({ topic: TOPIC, key, value: old?.value ?? null, headers: old?.headers ?? new Map() });
  expect(afterCompaction().view.size).toBe(1);
  await waitUntil(
    "the tombstone again",
    30_000,
    settledOn(({ view }) => view.size === 0),
  );
});

test("two relays at once: one leads, and the other goes on when the first one's session is killed", async () => {
  startRelay();
  startRelay();
  await insertGrant(database);
  await waitUntil(
    "the grant",
    30_000,
    settledOn(({ view }) => view.size === 1),
  );
  await database.query(
    "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())",
  );
  await insertGrant(database);
  await waitUntil(
    "the second grant",
    30_000,
    settledOn(({ view }) => view.size === 2),
  );
});
