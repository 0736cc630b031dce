import { expect, jest, test } from "@jest/globals";
import { createMetrics } from "./metrics.ts";

test("a second metric of a name is refused, whatever the kinds of the two are", () => {
  for (const first of ["counter", "gauge", "histogram"] as const) {
    for (const second of ["counter", "gauge", "histogram"] as const) {
      const metrics = createMetrics({ prefix: "test_" });
      const create = (kind: typeof first) => {
        if (kind === "histogram") metrics.histogram("one", "help", [1]);
        else metrics[kind]("one", "help");
      };
      create(first);
      expect(() => create(second)).toThrow(/two metrics|already been registered/);
    }
  }
});

test("a scrape has metrics of all kinds, each once", async () => {
  const metrics = createMetrics({ prefix: "test_" });
  metrics.counter("calls", "help").inc();
  metrics.histogram("seconds", "help", [1]).observe(0.5);
  metrics.gauge("open", "help").set(3);
  const { text } = await metrics.expose();
  for (const line of ["test_calls 1", "test_seconds_count 1", "test_open 3"]) {
    expect(text.split("\n").filter((one) => one === line)).toEqual([line]);
  }
});

test("a gauge whose question is never answered is scraped as it was left, and keeps no other from it", async () => {
  jest.useFakeTimers();
  try {
    const metrics = createMetrics({ prefix: "test_" });
    metrics.gauge("silent", "help", [], (gauge) => {
      gauge.set(7);
      return new Promise<void>(() => {});
    });
    metrics.gauge("open", "help", [], (gauge) => gauge.set(3));
    const scraped = metrics.expose();
    await jest.advanceTimersByTimeAsync(3_000);
    const { text } = await scraped;
    expect(text.split("\n")).toEqual(expect.arrayContaining(["test_silent 7", "test_open 3"]));
  } finally {
    jest.useRealTimers();
  }
});
