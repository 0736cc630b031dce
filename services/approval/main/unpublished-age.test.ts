/** The age of the oldest unpublished event while nobody answers. Of real rows, behind a broker that hangs: test/integration/approval/sealer.test.ts. */
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import { exposeUnpublishedAge } from "./unpublished-age.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const database: Queryable = { query: () => Promise.reject(new Error("not asked for")) };

/** Scrapes one after the other, each at its second and with this answer of the database. */
async function scraped(...scrapes: readonly (readonly [atS: number, answer: () => Promise<number | undefined>])[]) {
  let nowMs = 1_000;
  let oldestSeconds: () => Promise<number | undefined> = () => Promise.resolve(undefined);
  const metrics = createMetrics({ prefix: "t_" });
  exposeUnpublishedAge({ database, rows: { oldestSeconds: () => oldestSeconds() }, metrics, monotonicMs: () => nowMs });
  const shown: number[] = [];
  for (const [atS, answer] of scrapes) {
    nowMs = 1_000 + atS * 1_000;
    oldestSeconds = answer;
    const exposed = metrics.expose();
    await jest.advanceTimersByTimeAsync(3_000);
    const { text } = await exposed;
    shown.push(Number(/^t_audit_oldest_unpublished_seconds (\S+)$/m.exec(text)?.[1]));
  }
  return shown;
}

const is = (seconds: number | undefined) => () => Promise.resolve(seconds);
const away = () => Promise.reject(new Error("connection refused"));
const silent = () => new Promise<never>(() => {});

test.each([
  ["refuses", away],
  ["accepts and never answers", silent],
])(
  "while the database %s the age goes on from its last answer, and once it answers it is what it says",
  async (_how, fails) => {
    expect(
      await scraped([0, is(3)], [15, fails], [75, fails], [80, is(82)], [90, is(undefined)], [91, is(undefined)]),
    ).toEqual([3, 18, 78, 82, 0, 0]);
  },
);

test("an outage that began when nothing waited is shown too: what came just before it may wait since then", async () => {
  expect(await scraped([10, is(undefined)], [80, away])).toEqual([0, 70]);
});
