/** The end of a rotation of the state relay's key as docs/rotating-keys.md has it: when records have a new signature, and how one knows that all have. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { ENVELOPE_HEADERS } from "../../../core/messages/envelope.ts";
import { rotatingVerifier } from "../../../core/messages/rotating-keys.ts";
import { createVerifier, type Verifier } from "../../../core/messages/signing.ts";
import { EARLIER_HEARTBEAT_KEY, grantKey, HEARTBEAT_KEY } from "../../../core/messages/state-record.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import type { Database } from "../../../platform/postgres/pool.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { insertGrant, migratedDatabase } from "./migrated-database.ts";
import { compacted } from "./read-state-topic.ts";
import { makeKey, openStateTopic, type StateTopic, TOPIC } from "./state-topic.ts";

const [old, next] = [makeKey("approval-1"), makeKey("approval-2")];
const verifierOf = (...keys: readonly (typeof old)[]): Verifier =>
  createVerifier(new Map(keys.map(({ signer, publicPem }) => [signer.kid, publicPem])));

let database: Database;
let topic: StateTopic;
beforeEach(async () => {
  database = await migratedDatabase();
  topic = openStateTopic(database);
});
afterEach(async () => {
  await topic[Symbol.asyncDispose]();
  await database.close();
});

/** Under which key the last record of each key of the topic stands signed, without what is there for earlier decision services. */
function signedBy(): ReadonlyMap<string | null, string | undefined> {
  const last = compacted(topic.broker.records(TOPIC)).filter(({ key }) => key !== EARLIER_HEARTBEAT_KEY);
  return new Map(last.map(({ key, headers }) => [key, headers.get(ENVELOPE_HEADERS.kid)?.toString("utf8")]));
}

const heartbeats = () => topic.broker.records(TOPIC).filter(({ key }) => key === HEARTBEAT_KEY).length;
async function fiveHeartbeats(): Promise<void> {
  const before = heartbeats();
  await waitUntil("five heartbeats", 30_000, () => heartbeats() >= before + 5);
}

test("records keep their old signature at a reload without the old key, and get the new one at a restart without it: then a reader without it is fresh", async () => {
  let halt = topic.startRelay({ keys: { signer: old.signer, verifier: verifierOf(old) } });
  const grants = [await insertGrant(database), await insertGrant(database), await insertGrant(database)];
  await database.query(
    "insert into incidents (id, version, state, severity, scope, title, opened_at) values (gen_random_uuid(), 1, 'open', 'high', 'orders', 't', now())",
  );
  await waitUntil("all on the topic", 30_000, () => signedBy().size === 5);
  await halt();

  const own = rotatingVerifier(verifierOf(old, next));
  halt = topic.startRelay({ keys: { signer: next.signer, verifier: own } });
  await waitUntil("a heartbeat under the new key", 30_000, () => signedBy().get(HEARTBEAT_KEY) === "approval-2");
  await fiveHeartbeats(); // by then it has read the topic
  own.replace(verifierOf(next));
  await fiveHeartbeats();
  const under = [...signedBy()].map(([key, kid]) => [key === HEARTBEAT_KEY, kid]);
  expect(under.filter(([isHeartbeat]) => isHeartbeat === true)).toEqual([[true, "approval-2"]]);
  expect(under.filter(([isHeartbeat]) => isHeartbeat === false)).toEqual(
    Array.from({ length: 4 }, () => [false, "approval-1"]),
  );
  const early = topic.startReader({ trusts: verifierOf(next) });
  await fiveHeartbeats();
  const both = topic.startReader({ trusts: verifierOf(old, next) });
  await waitUntil("a reader with both keys to be fresh", 30_000, both.isFresh);
  expect(early.isFresh()).toBe(false);
  await halt();

  const metrics = createMetrics({ prefix: "t_" });
  halt = topic.startRelay({ metrics, keys: { signer: next.signer, verifier: verifierOf(next) } });
  await waitUntil("all under the new key", 30_000, () => [...signedBy().values()].every((kid) => kid === "approval-2"));
  await waitUntil("what was early to be fresh", 30_000, early.isFresh);
  const late = topic.startReader({ trusts: verifierOf(next) });
  await waitUntil("a reader without the old key to be fresh", 30_000, late.isFresh);
  expect(late.view.size).toBe(4);
  expect(both.isFresh()).toBe(true);
  await fiveHeartbeats();
  expect((await metrics.expose()).text).toMatch(/^t_state_repaired_total 4$/m);
  expect(grants.every((id) => signedBy().get(grantKey(id)) === "approval-2")).toBe(true);
});
