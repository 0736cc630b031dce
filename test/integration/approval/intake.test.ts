/** Intake on a real Postgres with the real commands' shape: every record has its effect or its quarantine exactly once. */
import { generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { batchFault, readDecisionBatch } from "../../../core/messages/decision-record.ts";
import { sealEnvelope } from "../../../core/messages/envelope.ts";
import { goldenRecords } from "../../../core/messages/samples.ts";
import { createSigner, createVerifier } from "../../../core/messages/signing.ts";
import { systemClock, uuidv7 } from "../../../platform/clock.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import type { Database } from "../../../platform/postgres/pool.ts";
import type { OutgoingRecord } from "../../../platform/stream/port.ts";
import { id } from "../../../core/domain/id.ts";
import { createQuarantineRecord } from "../../../services/approval/commands/quarantine-record.ts";
import { createRecordDecisions } from "../../../services/approval/commands/record-decision.ts";
import { createConsumer, type TakeRecord } from "../../../services/approval/intake/consumer.ts";
import { createDecisionReader } from "../../../services/approval/intake/decisions.ts";
import { createDenialReader } from "../../../services/approval/intake/denials.ts";
import { createIntakeEvents } from "../../../services/approval/intake/events.ts";
import { withQuarantine } from "../../../services/approval/intake/quarantine.ts";
import { advanceOffset, storedOffset } from "../../../services/approval/store/offsets.ts";
import { createStore } from "../../../services/approval/store/store.ts";
import type { Ids } from "../../../services/approval/ports.ts";
import { createMemoryBroker } from "../../harness/memory-stream.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { DEPLOYMENT, migratedDatabase, silent as log } from "./migrated-database.ts";

const DECISIONS = "countersign.decisions.v1";
const keys = generateKeyPairSync("ed25519");
const signer = createSigner("pdp-a", keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString());
const stranger = createSigner(
  "pdp-a",
  generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
);
const verifier = createVerifier(
  new Map([["pdp-a", keys.publicKey.export({ type: "spki", format: "pem" }).toString()]]),
);
const events = createIntakeEvents({ metrics: createMetrics({ prefix: "t_" }), log });

let database: Database;
beforeAll(async () => {
  database = await migratedDatabase();
});
afterAll(() => database.close());

function offsets(of: Database) {
  return {
    stored: (topic: string, partition: number, initial: bigint) => storedOffset(of, topic, partition, initial),
    advance: (position: Parameters<typeof advanceOffset>[1]) => advanceOffset(of, position),
  };
}

const ids: Ids = { fresh: (kind) => id(kind, uuidv7(systemClock.wallMs())) };

function storeOf(of: Database) {
  return createStore({ database: of, ids }, { deployment: DEPLOYMENT });
}

function take(): TakeRecord {
  const store = storeOf(database);
  const read = createDecisionReader({ verifier, record: createRecordDecisions({ store }) }, { deployment: DEPLOYMENT });
  return withQuarantine(read, { quarantine: createQuarantineRecord({ store, ids }), events });
}

const golden = goldenRecords();
const batchText = JSON.stringify(golden.get("decision-batch"));
const batch = readDecisionBatch(Buffer.from(batchText));
const LOG = batch.kind === "parsed" ? batch.value.log : "";

function outgoing(topic: string, key: string, text: string, by = signer): OutgoingRecord {
  return { topic, key, ...sealEnvelope(by, { deployment: DEPLOYMENT, topic, key }, 0, Buffer.from(text)) };
}

async function one<T>(sql: string, values: readonly unknown[] = []): Promise<T[]> {
  return (await database.query<{ value: T }>(sql, values)).rows.map(({ value }) => value);
}

test("the golden batch hangs together, or the tests below prove nothing", () => {
  expect(batch.kind === "parsed" ? batchFault(batch.value, "pdp-a") : "malformed").toBeUndefined();
});

test("forged, malformed, foreign and contradicting records are set aside with their offset, and what stands behind them is taken once by two readers", async () => {
  const broker = createMemoryBroker();
  const bad: OutgoingRecord[] = [
    outgoing(DECISIONS, LOG, batchText, stranger),
    outgoing(DECISIONS, LOG, "{"),
    outgoing(DECISIONS, "pdp/other/log", batchText),
    outgoing(DECISIONS, LOG, batchText.replace('"complete"', '"recovered"').replace('"index":1', '"index":2')),
    { topic: DECISIONS, key: LOG, value: null },
    { topic: DECISIONS, key: LOG, value: Buffer.from(batchText) },
    outgoing(DECISIONS, LOG, " ".repeat(70_000)),
  ];
  for (const record of bad) broker.append(record);
  broker.append(outgoing(DECISIONS, LOG, batchText));
  broker.append(outgoing(DECISIONS, LOG, batchText)); // delivered twice
  const streams = [broker.createStream(), broker.createStream()];
  const consumers = streams.map(() =>
    createConsumer({ database, offsets: offsets(database), take: take(), events }, DECISIONS),
  );
  streams.forEach((stream, at) => {
    const consumer = consumers[at];
    if (consumer !== undefined) stream.subscribe(consumer.subscription);
  });
  await waitUntil("all records", 30_000, async () => {
    const [next] = await one<string>("select next_offset::text as value from offsets where topic = $1", [DECISIONS]);
    return next === "9";
  });
  for (const stream of streams) await stream.close();
  for (const consumer of consumers) await consumer.close();
  expect(await one("select reason as value from quarantine order by record_offset")).toEqual([
    "signature_invalid",
    "malformed",
    "malformed",
    "log_inconsistent",
    "tombstone",
    "headers_missing",
    "oversize",
  ]);
  expect(await one("select leaf_index::int as value from republish order by id")).toEqual([0, 1]);
  expect(await one("select count(*)::int as value from outbox")).toEqual([bad.length]);
});

test("a transient fault blocks its record and nothing behind it is taken before; then each is taken once, also when the session dies", async () => {
  const topic = "countersign.transient.v1";
  const broker = createMemoryBroker();
  for (let n = 0; n < 12; n += 1) broker.append({ topic, key: "k", value: Buffer.from(String(n)) });
  await database.query("create table taken (n int)");
  let faults = 0;
  const flaky: TakeRecord = async (record, position) => {
    const n = Number(record.value);
    if (n % 3 === 1 && faults < n) {
      faults += 1;
      throw new Error("connection refused");
    }
    if (n === 6 && faults < 50) {
      faults = 50;
      await database.query(
        "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())",
      );
    }
    await database.transaction("test", async (tx) => {
      await tx.query("insert into taken values ($1)", [n]);
      await advanceOffset(tx, position);
    });
  };
  await using stream = broker.createStream();
  await using consumer = createConsumer({ database, offsets: offsets(database), take: flaky, events }, topic);
  stream.subscribe(consumer.subscription);
  await waitUntil("all records", 30_000, async () => (await one("select n as value from taken")).length >= 12);
  expect(await one("select n as value from taken")).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});

test("a topic that was made anew is read from its beginning, and the loss is counted where records are gone", async () => {
  const topic = "countersign.again.v1";
  await storedOffset(database, topic, 0, 99n);
  let lost = 0;
  await using consumer = createConsumer(
    {
      database,
      offsets: offsets(database),
      take: async () => {},
      events: { ...events, lost: ({ stored, earliest }) => (lost += Math.max(0, Number(earliest - stored))) },
    },
    topic,
  );
  expect(await consumer.subscription.from(0, { earliest: 0n, end: 5n })).toBe(0n);
  expect(lost).toBe(0);
  expect(await consumer.subscription.from(0, { earliest: 40n, end: 50n })).toBe(40n);
  expect(lost).toBe(40);
});

test("a denial that is forged, moved to another key, or whose digest does not follow is never accepted", async () => {
  const topic = "countersign.denials.v1";
  const text = JSON.stringify(golden.get("denial"));
  const [, key = ""] = /"denial_key":"([0-9a-f]{64})"/.exec(text) ?? [];
  let accepted = 0;
  const read = createDenialReader(
    {
      verifier,
      async accept() {
        accepted += 1;
        return { kind: "accepted" };
      },
    },
    { deployment: DEPLOYMENT },
  );
  const position = { topic, partition: 0, from: 0n, next: 1n };
  const reading = async (record: OutgoingRecord) => {
    const broker = createMemoryBroker();
    broker.append(record);
    const [stored] = broker.records(topic);
    if (stored === undefined) throw new Error("no record");
    return read(stored, position);
  };
  const other = "0".repeat(64);
  for (const record of [
    outgoing(topic, key, text, stranger),
    outgoing(topic, other, text),
    { ...outgoing(topic, key, text), key: other },
    outgoing(topic, key, text.replace('"path":"/refunds"', '"path":"/other"')),
    outgoing(topic, key, text.replace('"max_uses":1', '"max_uses":9')),
    outgoing("countersign.state.v1", key, text),
  ])
    expect((await reading({ ...record, topic })).kind).toBe("refused");
  expect(accepted).toBe(0);
  expect(await reading(outgoing(topic, key, text))).toEqual({ kind: "taken" });
  expect(accepted).toBe(1);
});
