/** Webhook and sweeper loops on a real Postgres. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { createLeadership } from "../../../platform/postgres/leadership.ts";
import type { Database } from "../../../platform/postgres/pool.ts";
import { createWakeup } from "../../../platform/postgres/wakeup.ts";
import type { Notification } from "../../../services/approval/notify/deliver.ts";
import { createWebhook } from "../../../services/approval/notify/webhook.ts";
import { dueNotifications } from "../../../services/approval/store/due-notifications.ts";
import { createSweeper } from "../../../services/approval/sweeper.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { migratedDatabase, silent as log } from "./migrated-database.ts";

let database: Database;
beforeAll(async () => {
  database = await migratedDatabase();
});
afterAll(() => database.close());

test("a notification that fails is tried again with the same id and bytes until it is taken, and then no more; the others do not wait for it", async () => {
  await database.query(
    `insert into notifications (kind, body) select 'review_requested', '{"n": 1}' from generate_series(1, 20)`,
  );
  const tries = new Map<string, string[]>();
  const deliver = async ({ id, body }: Notification) => {
    const before = tries.get(id) ?? [];
    tries.set(id, [...before, body]);
    return tries.size % 5 === 0 && before.length < 2
      ? ({ kind: "failed", reason: "status_500" } as const)
      : ({ kind: "delivered" } as const);
  };
  const stop = new AbortController();
  await using wakeup = createWakeup({ database, log }, { channel: "countersign_notifications", pollMs: 30 });
  const running = createWebhook(
    {
      rows: dueNotifications,
      leadership: createLeadership({ database, log }, { lockName: "webhook" }),
      wakeup,
      deliver,
      log,
      metrics: createMetrics({ prefix: "t_" }),
    },
    { firstRetrySeconds: 0.02, maxRetrySeconds: 0.1 },
  ).run(stop.signal);
  await waitUntil("all deliveries", 30_000, async () => {
    const { rows } = await database.query<{ open: number }>(
      "select count(*)::int as open from notifications where delivered_at is null",
    );
    return rows[0]?.open === 0;
  });
  const count = () => [...tries.values()].flat().length;
  const done = count();
  expect(done).toBeGreaterThan(20);
  await database.query("notify countersign_notifications");
  await database.query("select pg_sleep(0.2)");
  stop.abort();
  await running;
  expect(count()).toBe(done);
  for (const bodies of tries.values()) expect(new Set(bodies).size).toBe(1);
  const [[first] = []] = tries.values();
  expect(JSON.parse(first ?? "")).toMatchObject({ type: "countersign.review_requested.v1", data: { n: 1 } });
});

test("one slow answer holds up no other, not even of more than go out at once; it is not sent twice meanwhile", async () => {
  await database.query(
    `insert into notifications (kind, body) select 'review_requested', '{"n": 2}' from generate_series(1, 20)`,
  );
  const slow = Promise.withResolvers<void>();
  let slowId: string | undefined;
  let atOnce = 0;
  let most = 0;
  const tries: string[] = [];
  const deliver = async ({ id }: Notification) => {
    slowId ??= id;
    tries.push(id);
    atOnce += 1;
    most = Math.max(most, atOnce);
    await (id === slowId ? slow.promise : database.query("select pg_sleep(0.01)"));
    atOnce -= 1;
    return { kind: "delivered" } as const;
  };
  const stop = new AbortController();
  await using wakeup = createWakeup({ database, log }, { channel: "countersign_notifications", pollMs: 30 });
  const leadership = createLeadership({ database, log }, { lockName: "webhook" });
  const metrics = createMetrics({ prefix: "t_" });
  const running = createWebhook({ rows: dueNotifications, leadership, wakeup, deliver, log, metrics }).run(stop.signal);
  const open = async () => {
    const { rows } = await database.query<{ id: string }>("select id from notifications where delivered_at is null");
    return rows.map(({ id }) => id);
  };
  await waitUntil("all but the slow one to be delivered", 30_000, async () => (await open()).length === 1);
  expect(await open()).toEqual([slowId]);
  slow.resolve();
  await waitUntil("the slow one to be delivered", 30_000, async () => (await open()).length === 0);
  stop.abort();
  await running;
  expect(new Set(tries).size).toBe(tries.length);
  expect(most).toBeLessThanOrEqual(8);
});

test("however often one has failed, its next try is no more than two minutes away", async () => {
  await database.query(`insert into notifications (kind, body, attempts) values ('review_requested', '{"n": 3}', 20)`);
  const stop = new AbortController();
  await using wakeup = createWakeup({ database, log }, { channel: "countersign_notifications", pollMs: 30 });
  const leadership = createLeadership({ database, log }, { lockName: "webhook" });
  const metrics = createMetrics({ prefix: "t_" });
  const deliver = async () => ({ kind: "failed", reason: "status_500" }) as const;
  const running = createWebhook({ rows: dueNotifications, leadership, wakeup, deliver, log, metrics }).run(stop.signal);
  const waits = await waitUntil("it to fail once more", 30_000, async () => {
    const { rows } = await database.query<{ seconds: number }>(
      `select extract(epoch from next_attempt_at - clock_timestamp())::float8 as seconds
         from notifications where delivered_at is null and attempts = 21`,
    );
    return rows[0];
  });
  stop.abort();
  await running;
  await database.query("delete from notifications where delivered_at is null");
  expect(waits.seconds).toBeLessThanOrEqual(120);
  expect(waits.seconds).toBeGreaterThan(60);
});

test("two sweepers never sweep at once, and one goes on after a sweep that failed", async () => {
  let sweeping = 0;
  let most = 0;
  let sweeps = 0;
  const sweep = async () => {
    sweeping += 1;
    most = Math.max(most, sweeping);
    try {
      await database.query("select pg_sleep(0.01)");
      sweeps += 1;
      if (sweeps === 3) throw new Error("once");
      return { isMore: false, faults: [] };
    } finally {
      sweeping -= 1;
    }
  };
  const stop = new AbortController();
  const sweeper = () =>
    createSweeper(
      { leadership: createLeadership({ database, log }, { lockName: "sweep" }), sweep, log, monotonicMs: () => 0 },
      { intervalMs: 5 },
    ).run(stop.signal);
  const running = [sweeper(), sweeper()];
  await waitUntil("ten sweeps", 30_000, () => sweeps >= 10);
  stop.abort();
  await Promise.all(running);
  expect(most).toBe(1);
});
