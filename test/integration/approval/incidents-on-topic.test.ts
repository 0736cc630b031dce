/**
 * Incidents on their way: rows of a real Postgres, the state relay, and the decision service's own reader. What it says of incidents is
 * either what security said, or marked as not fresh.
 */
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { id } from "../../../core/domain/id.ts";
import { instant } from "../../../core/domain/time.ts";
import { incidentKey } from "../../../core/messages/incident-record.ts";
import { ENVELOPE_HEADERS } from "../../../core/messages/envelope.ts";
import { createSigner, createVerifier } from "../../../core/messages/signing.ts";
import { TOPICS } from "../../../core/messages/topics.ts";
import { uuidv7 } from "../../../platform/clock.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { createLeadership } from "../../../platform/postgres/leadership.ts";
import type { Database } from "../../../platform/postgres/pool.ts";
import { createWakeup } from "../../../platform/postgres/wakeup.ts";
import type { Ids } from "../../../services/approval/ports.ts";
import { createStateRelay } from "../../../services/approval/publish/state-relay.ts";
import { databaseNow } from "../../../services/approval/store/clock.ts";
import { publishedGrants } from "../../../services/approval/store/published-grants.ts";
import { publishedIncidents } from "../../../services/approval/store/published-incidents.ts";
import { createGrantsView } from "../../../services/decision/grants/grants-view.ts";
import { createStateReader } from "../../../services/decision/grants/state-reader.ts";
import { createMemoryBroker, type MemoryBroker } from "../../harness/memory-stream.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { DEPLOYMENT, insertGrant, migratedDatabase, silent as log } from "./migrated-database.ts";

const topic = TOPICS.state.name;
const keys = generateKeyPairSync("ed25519");
const signer = createSigner("approval-1", keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString());
const verifier = createVerifier(
  new Map([["approval-1", keys.publicKey.export({ type: "spki", format: "pem" }).toString()]]),
);
const ids: Ids = { fresh: (kind) => id(kind, uuidv7()) };
const clocks = () => ({ wall: instant(Date.now()), monoMs: performance.now() });

let database: Database;
let broker: MemoryBroker;
let cleanups: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  database = await migratedDatabase();
  broker = createMemoryBroker();
}, 60_000);
afterEach(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup();
  cleanups = [];
  await database.close();
});

/** The answer ends it. */
function startRelay(): () => Promise<void> {
  const stop = new AbortController();
  const stream = broker.createStream();
  const wakeup = createWakeup({ database, log }, { channel: "countersign_grants", pollMs: 30 });
  const leadership = createLeadership({ database, log }, { lockName: "state relay" });
  const kinds = [publishedGrants({ ids, deployment: DEPLOYMENT }), publishedIncidents()];
  const running = createStateRelay(
    {
      ...{ rows: { databaseTime: databaseNow, kinds }, leadership, wakeup, stream, signer, verifier, log },
      metrics: createMetrics({ prefix: "t_" }),
    },
    { deployment: DEPLOYMENT, topic },
  ).run(stop.signal);
  let stopped: Promise<void> | undefined;
  const halt = () =>
    (stopped ??= (async () => {
      stop.abort();
      await running;
      await wakeup.close();
      await stream.close();
    })());
  cleanups.push(halt);
  return halt;
}

/** A decision service that starts now: what its policies get of incidents, and what that is worth. */
function startReader() {
  const stop = new AbortController();
  const stream = broker.createStream();
  const view = createGrantsView();
  const metrics = createMetrics({ prefix: "t_" });
  createStateReader(
    { stream, verifier, view, readClocks: clocks, log, metrics },
    { deployment: DEPLOYMENT, readyWithinMs: 10_000 },
  ).start(stop.signal);
  cleanups.push(async () => {
    stop.abort();
    await stream.close();
  });
  const isFresh = () => view.freshness(clocks()).kind === "fresh";
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
}, 40_000);

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
}, 40_000);

test("without its record, as somebody's null leaves it, a list is not fresh until the relay has put it back", async () => {
  const halt = startRelay();
  const reader = startReader();
  const incident = await open();
  await reader.says("the incident", incident);
  await halt();
  broker.append({ topic, key: keyOf(incident), value: null });
  await waitUntil("the null to be read", 10_000, () => reader.view.incidents()?.length === 0);
  await waitUntil("what is old to be old", 10_000, () => !reader.isFresh());
  startRelay();
  await reader.says("the incident again", incident);
}, 40_000);

test("where the topic is ahead of a restored database, what the database says stands, above the topic, and is fresh", async () => {
  const halt = startRelay();
  const reader = startReader();
  const incident = await open();
  await close(incident);
  await reader.says("that it is closed");
  // Not the record of its beginning, beside which the list may have been empty before.
  const isItsEnd = ({ key, headers }: ReturnType<typeof broker.records>[number]) =>
    key === keyOf(incident) && headers.get(ENVELOPE_HEADERS.version)?.toString() === "2";
  await waitUntil("the record of its end", 10_000, () => broker.records(topic).some(isItsEnd));
  await halt();
  await database.query(
    "update incidents set state = 'open', version = 1, published_version = 1, closed_at = null where id = $1",
    [incident],
  );
  startRelay();
  await reader.says("that it is open", incident);
  const { rows } = await database.query("select version from incidents where id = $1", [incident]);
  expect(rows).toEqual([{ version: 3 }]);
}, 40_000);

test("a closed one leaves the topic 24 hours after its end and not before", async () => {
  startRelay();
  const reader = startReader();
  const incident = await open();
  await close(incident);
  await reader.says("that it is closed");
  await waitUntil("its record", 10_000, () => reader.view.size === 1);
  const closedAgo = (hours: number) =>
    database.query("update incidents set closed_at = now() - $2 * interval '1 hour' where id = $1", [incident, hours]);
  await closedAgo(23.9);
  const heartbeats = () => broker.records(topic).filter(({ key }) => key === "heartbeat").length;
  const before = heartbeats();
  await waitUntil("more heartbeats", 10_000, () => heartbeats() > before + 3);
  expect(reader.view.size).toBe(1);
  await closedAgo(24.1);
  await waitUntil("the tombstone", 10_000, () => reader.view.size === 0);
  await reader.says("a set that is whole");
}, 40_000);
