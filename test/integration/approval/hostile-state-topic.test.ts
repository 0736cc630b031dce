/**
 * The state relay as a reader of its own topic, against everything that may stand there in place of a live grant: each record is taken for what
 * it is, and what was published stands last again, so that a decision service that starts then honours the grant and nothing else.
 */
import { generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { grantKey } from "../../../core/messages/state-record.ts";
import { createSigner } from "../../../core/messages/signing.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import type { Database } from "../../../platform/postgres/pool.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import type { Pens } from "../../contract/consumers/consumer.ts";
import { HOSTILE } from "../../contract/consumers/hostile.ts";
import { insertGrant, migratedDatabase } from "./migrated-database.ts";
import { compacted, readAll } from "./read-state-topic.ts";
import { openStateTopic, signer, type StateTopic, TOPIC } from "./state-topic.ts";

const strangersPem = () =>
  generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
/** NB: the relay knows its own key alone, so the others are all strangers; the right key under another name is in the suite of consumers. */
const pens: Pens = {
  right: signer,
  other: createSigner("other", strangersPem()),
  unnamed: createSigner("unnamed", strangersPem()),
  misnamed: createSigner("other", strangersPem()),
  stranger: createSigner(signer.kid, strangersPem()),
};
const metrics = createMetrics({ prefix: "t_" });

let database: Database;
let topic: StateTopic;
let key: string;

beforeAll(async () => {
  database = await migratedDatabase();
  topic = openStateTopic(database);
  topic.startRelay({ metrics });
  key = grantKey(await insertGrant(database));
  await waitUntil("the grant to be published", 30_000, isHeld);
});
afterAll(async () => {
  await topic?.[Symbol.asyncDispose]();
  await database?.close();
});

/** By a decision service that starts now, also after compaction. */
function isHeld(): boolean {
  const records = topic.broker.records(TOPIC);
  return [records, compacted(records)]
    .map(readAll)
    .every(({ view, latest }) => latest?.equal === true && view.get(key)?.state === "active");
}

async function repaired(): Promise<number> {
  const { text } = await metrics.expose();
  return Number(/^t_state_repaired_total (\d+)/m.exec(text)?.[1] ?? 0);
}

test.each(HOSTILE)("$name in place of a grant is put right, once", async (hostile) => {
  const published = topic.broker.records(TOPIC).find((record) => record.key === key && record.value !== null);
  const payload: object = JSON.parse(published?.value?.toString() ?? "");
  const before = await repaired();
  topic.broker.append(hostile.make({ topic: TOPIC, key, version: 1, payload, effects: async () => 1 }, pens));
  expect(isHeld()).toBe(false);
  await waitUntil("the grant to stand last again", 30_000, async () => isHeld() && (await repaired()) > before);
  expect(await repaired()).toBe(before + 1);
});
