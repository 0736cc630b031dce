/** The queues of the approval service as an operator's scrape shows them: from a real database, and without a value when it is gone. */
import { expect, test } from "@jest/globals";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { exposeLag } from "../../../services/approval/intake/lag.ts";
import { exposeBacklog } from "../../../services/approval/main/backlog-gauges.ts";
import { insertEvent, migratedDatabase } from "./migrated-database.ts";

async function scrape(metrics: ReturnType<typeof createMetrics>): Promise<readonly string[]> {
  const { text } = await metrics.expose();
  return text.split("\n").filter((line) => line.startsWith("t_"));
}

test("rows that wait are counted and aged by queue; a database that is gone leaves no number behind", async () => {
  const database = await migratedDatabase();
  const metrics = createMetrics({ prefix: "t_" });
  exposeBacklog({ database, metrics });
  await insertEvent(database, "one");
  await insertEvent(database, "two");
  await database.query(
    `insert into republish (log_id, leaf_index, event)
     values ('l', 0, $1)`,
    [JSON.stringify({ data: { path: "a\0b\\u0000" }, time: new Date(Date.now() - 3_600_000) })],
  );
  const lines = await scrape(metrics);
  expect(lines).toContain('t_backlog_rows{queue="outbox"} 2');
  expect(lines).toContain('t_backlog_rows{queue="republish"} 1');
  expect(lines).toContain('t_backlog_rows{queue="quarantine"} 0');
  expect(lines).toContain('t_backlog_oldest_seconds{queue="notifications"} 0');
  const age = lines.find((line) => line.startsWith('t_backlog_oldest_seconds{queue="republish"}'));
  expect(Number(age?.split(" ")[1])).toBeGreaterThanOrEqual(3_600);
  expect(Number(age?.split(" ")[1])).toBeLessThan(3_700);

  await database.close();
  expect(await scrape(metrics)).toEqual([]);
});

test("lag adds what is not stored yet over partitions that were read; brokers that do not answer leave no number", async () => {
  const metrics = createMetrics({ prefix: "t_" });
  let isAway = false;
  const ends = new Map([
    [0, 10n],
    [1, 7n],
    [2, 99n],
  ]);
  const stored = new Map([
    [0, 4n],
    [1, 7n],
  ]);
  exposeLag(
    {
      metrics,
      stream: { endOffsets: () => (isAway ? Promise.reject(new Error("away")) : Promise.resolve(ends)) },
      stored: (_topic, partition) => Promise.resolve(stored.get(partition)),
    },
    ["denials"],
  );
  expect(await scrape(metrics)).toEqual(['t_intake_lag_records{topic="denials"} 6']);
  isAway = true;
  expect(await scrape(metrics)).toEqual([]);
});
