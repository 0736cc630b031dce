import { expect, test } from "@jest/globals";
import * as prom from "prom-client";
import { createHistogram } from "./histogram.ts";

const BUCKETS = [0.0005, 0.01, 1, 10_000];
const VALUES = [0, 0.0005, 0.00051, 0.3, 1, 1.5, 10_000, 10_001, 1e9];

async function said(histogram: prom.Histogram): Promise<string> {
  const registry = new prom.Registry();
  registry.registerMetric(histogram);
  return (await registry.metrics()).trimEnd();
}

test("a scrape says what prom-client says of the same values, before any and after some", async () => {
  const ours = createHistogram({ name: "h", help: "a\\b\nc", buckets: BUCKETS, labels: [] });
  const theirs = new prom.Histogram({ name: "h", help: "a\\b\nc", buckets: BUCKETS, registers: [] });
  expect(ours.text()).toBe(await said(theirs));
  for (const value of VALUES) {
    ours.observe(value);
    theirs.observe(value);
  }
  expect(ours.text()).toBe(await said(theirs));
});

test("with labels too, also of values that have to be escaped or that only run together alike", async () => {
  const options = { name: "h", help: "h", buckets: BUCKETS };
  const ours = createHistogram({ ...options, labels: ["operation", "status"] });
  const theirs = new prom.Histogram({ ...options, labelNames: ["operation", "status"], registers: [] });
  expect(ours.text()).toBe(await said(theirs));
  for (const [at, value] of VALUES.entries()) {
    const labels = [
      { operation: 'a"\\b', status: "200" },
      { operation: "a", status: "b" },
      { operation: "ab", status: "" },
    ][at % 3];
    ours.observe(value, labels);
    theirs.observe(labels ?? {}, value);
  }
  expect(ours.text()).toBe(await said(theirs));
});

test("what is no number, or lacks its labels, is refused and not counted", () => {
  const ours = createHistogram({ name: "h", help: "h", buckets: BUCKETS, labels: ["status"] });
  expect(() => ours.observe(Number.NaN, { status: "200" })).toThrow(TypeError);
  expect(() => ours.observe(1)).toThrow(TypeError);
  expect(ours.text()).not.toContain("count} 1");
});
