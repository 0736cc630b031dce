/** Sealer and audit relay on a real Postgres: one fork-free log, and repetitions that are equal. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { readAuditEvent } from "../../../cli/verify/audit-record.ts";
import { createChainCheck, type Verdict } from "../../../cli/verify/chain.ts";
import { checkTopic } from "../../../cli/verify/from-topic.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { createLeadership } from "../../../platform/postgres/leadership.ts";
import type { Database } from "../../../platform/postgres/pool.ts";
import { createWakeup } from "../../../platform/postgres/wakeup.ts";
import { createAuditRelay } from "../../../services/approval/publish/audit-relay.ts";
import { exposeUnpublishedAge } from "../../../services/approval/main/unpublished-age.ts";
import { createSealer, sealBatch } from "../../../services/approval/publish/sealer.ts";
import { relayRows, sealerRows } from "../../../services/approval/store/audit-rows.ts";
import { createMemoryBroker } from "../../harness/memory-stream.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { insertEvent, migratedDatabase, silent as log } from "./migrated-database.ts";

const TOPIC = "countersign.audit.v1";
let database: Database;

beforeAll(async () => {
  database = await migratedDatabase();
});
afterAll(() => database.close());

const metrics = () => createMetrics({ prefix: "t_" });
const wake = (channel: string) => createWakeup({ database, log }, { channel, pollMs: 50 });
const lead = (lockName: string) => createLeadership({ database, log }, { lockName });

async function count(table: "outbox" | "audit_log"): Promise<number> {
  const { rows } = await database.query<{ n: number }>(`select count(*)::int as n from ${table}`);
  return rows[0]?.n ?? 0;
}

async function verdictOfTable(): Promise<Verdict> {
  const check = createChainCheck({ fromZero: true });
  const { rows } = await database.query<{ event: string }>(
    "select event::text as event from audit_log order by arrival",
  );
  for (const [at, { event }] of rows.entries()) check.add(readAuditEvent(Buffer.from(event)), `row ${at}`);
  return check.verdict();
}

test("two sealers that run at the same time without a lock cannot fork: one transaction fails, the log stays whole", async () => {
  for (let n = 0; n < 20; n += 1) await insertEvent(database, `race ${n}`);
  const outcomes = await Promise.allSettled([
    database.transaction("seal", async (tx) => sealBatch(tx, sealerRows, 10)),
    database.transaction("seal", async (tx) => sealBatch(tx, sealerRows, 10)),
    database.transaction("seal", async (tx) => sealBatch(tx, sealerRows, 10)),
  ]);
  expect(outcomes.some(({ status }) => status === "fulfilled")).toBe(true);
  expect((await count("outbox")) + (await count("audit_log"))).toBe(20);
  expect((await verdictOfTable()).logs).toMatchObject([{ kind: "whole", first: 0 }]);
});

test("with 8 writers and two processes that seal and relay, every committed event is published once per index, gap-free", async () => {
  const broker = createMemoryBroker({ partitions: 3 });
  // every third publish keeps its records and loses the acknowledgement
  let tries = 0;
  broker.fate = () => (++tries % 3 === 0 ? "lose_acknowledgement" : "take");
  const stop = new AbortController();
  await using stream = broker.createStream();
  await using sealerBell = wake("outbox");
  await using relayBell = wake("audit_log");
  const running = [1, 2].flatMap(() => [
    createSealer(
      { rows: sealerRows, leadership: lead("sealer"), wakeup: sealerBell, metrics: metrics() },
      { batchSize: 7 },
    ).run(stop.signal),
    createAuditRelay(
      { rows: relayRows, leadership: lead("audit relay"), wakeup: relayBell, stream, log, metrics: metrics() },
      { topic: TOPIC, batchSize: 5 },
    ).run(stop.signal),
  ]);
  const before = (await count("outbox")) + (await count("audit_log"));
  const writers = Array.from({ length: 8 }, async (_, writer) => {
    for (let n = 0; n < 25; n += 1) {
      await database.transaction("seal", async (tx) => {
        await insertEvent(tx, `writer ${writer} event ${n}`);
        if (n % 5 === 0) await tx.query("select pg_sleep(0.01)"); // commits late, with a low id
      });
      if (n === 12 && writer === 0)
        await database.query(
          "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())",
        );
    }
  });
  await Promise.all(writers);
  const total = before + 200;
  const check = () => {
    const chain = createChainCheck({ fromZero: true });
    for (const { value, offset } of broker.records(TOPIC))
      chain.add(readAuditEvent(value ?? Buffer.alloc(0)), String(offset));
    return chain.verdict();
  };
  await waitUntil("all events on the topic", 30_000, () => {
    const [own] = check().logs;
    return own?.kind === "broken" || (own?.kind === "whole" && own.last === total - 1);
  });
  stop.abort();
  await Promise.all(running);
  expect(check()).toEqual({ logs: [{ kind: "whole", log: "approval", first: 0, last: total - 1 }], unreadable: [] });
  const fromTopic = createChainCheck({ fromZero: true });
  await using reader = broker.createStream();
  await checkTopic(reader, TOPIC, fromTopic, { timeoutMs: 10_000, signal: new AbortController().signal });
  expect(fromTopic.verdict()).toEqual(check());
  expect(broker.records(TOPIC).length).toBeGreaterThan(total); // repetitions there were, and they were equal
  expect(await count("outbox")).toBe(0);
  const [record] = broker.records(TOPIC);
  expect(record?.key).toBe("approval");
  expect(String(record?.headers.get("content-type"))).toBe("application/cloudevents+json; charset=UTF-8");
  expect(String(record?.headers.get("ce_specversion"))).toBe("1.0");
  expect(record?.headers.has("ce_logid")).toBe(true);
});

test("killed between publish and mark, the relay publishes again with equal id, index and hash", async () => {
  const broker = createMemoryBroker();
  await database.query("delete from relay_cursors");
  const killed = new AbortController();
  await using bell = wake("audit_log");
  await using stream = broker.createStream();
  broker.fate = () => {
    killed.abort(); // taken, and the process is gone before it can mark
    return "lose_acknowledgement";
  };
  const relay = () =>
    createAuditRelay(
      { rows: relayRows, leadership: lead("audit relay"), wakeup: bell, stream, log, metrics: metrics() },
      { topic: TOPIC, batchSize: 10 },
    );
  await relay().run(killed.signal);
  const first = broker.records(TOPIC).map(({ value }) => String(value));
  expect(first).toHaveLength(10);
  broker.fate = () => "take";
  const stop = new AbortController();
  const running = relay().run(stop.signal);
  await waitUntil("the rest", 30_000, () => broker.records(TOPIC).length >= 10 + 10);
  stop.abort();
  await running;
  const again = broker
    .records(TOPIC)
    .slice(10, 20)
    .map(({ value }) => String(value));
  expect(again).toEqual(first);
});

test("while the stream never answers the age of the oldest event grows, and it is 0 once all are published", async () => {
  const answer = Promise.withResolvers<{ readonly kind: "acked" }>();
  let asked = 0;
  const stream = {
    publish() {
      asked += 1;
      return answer.promise;
    },
  };
  const shown = metrics();
  exposeUnpublishedAge({ database, rows: relayRows, metrics: shown, monotonicMs: () => 0 });
  const age = async () => {
    const { text } = await shown.expose();
    return Number(/^t_audit_oldest_unpublished_seconds (\S+)$/m.exec(text)?.[1]);
  };
  await insertEvent(database, "waits");
  await database.transaction("seal", (tx) => sealBatch(tx, sealerRows, 10));
  const stop = new AbortController();
  await using bell = wake("audit_log");
  const running = createAuditRelay(
    { rows: relayRows, leadership: lead("audit relay"), wakeup: bell, stream, log, metrics: metrics() },
    { topic: TOPIC },
  ).run(stop.signal);
  await waitUntil("a publish that hangs", 30_000, () => asked > 0);
  const before = await age();
  expect(before).toBeGreaterThan(0);
  await waitUntil("the age to grow", 30_000, async () => (await age()) > before);
  expect(asked).toBe(1);
  answer.resolve({ kind: "acked" });
  await waitUntil("nothing to wait", 30_000, async () => (await age()) === 0);
  stop.abort();
  await running;
});

test("half a surrogate pair in a reason does not stop the log", async () => {
  await insertEvent(database, "half \ud800 pair");
  await database.transaction("seal", (tx) => sealBatch(tx, sealerRows, 10));
  expect(await count("outbox")).toBe(0);
  expect((await verdictOfTable()).logs).toMatchObject([{ kind: "whole" }]);
});

test("an outbox row that is no event stops the sealer and is not dropped", async () => {
  await database.query("insert into outbox (event_id, event) values (gen_random_uuid(), '{}')");
  await insertEvent(database, "behind it");
  await expect(database.transaction("seal", (tx) => sealBatch(tx, sealerRows, 10))).rejects.toThrow("is not an event");
  expect(await count("outbox")).toBe(2);
});
