import { expect, test } from "@jest/globals";
import * as prom from "prom-client";
import { createCounter } from "./counter.ts";

async function said(counter: prom.Counter): Promise<string> {
  const registry = new prom.Registry();
  registry.registerMetric(counter);
  return (await registry.metrics()).trimEnd();
}

test("what is no count, or lacks its labels, is refused and not counted", () => {
  const ours = createCounter({ name: "c", help: "h", labels: ["status"] });
  for (const by of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => ours.inc({ status: "200" }, by)).toThrow(TypeError);
  }
  expect(() => ours.inc()).toThrow(TypeError);
  expect(() => ours.inc(2)).toThrow(TypeError);
  expect(ours.text()).not.toMatch(/[1-9]$/m);
});

test("a scrape says what prom-client says of the same counts, before any and after some", async () => {
  const ours = createCounter({ name: "c", help: "a\\b\nc", labels: [] });
  const theirs = new prom.Counter({ name: "c", help: "a\\b\nc", registers: [] });
  expect(ours.text()).toBe(await said(theirs));
  for (const by of [undefined, 0, 3, 0.5]) {
    ours.inc(by);
    theirs.inc(by);
  }
  expect(ours.text()).toBe(await said(theirs));
  expect(ours.text()).toMatch(/^c 4\.5$/m);
});

test("with labels too, in any order, also of values that have to be escaped or that only run together alike", async () => {
  const ours = createCounter({ name: "c", help: "h", labels: ["outcome", "reason"] });
  const theirs = new prom.Counter({ name: "c", help: "h", labelNames: ["outcome", "reason"], registers: [] });
  expect(ours.text()).toBe(await said(theirs));
  for (const [outcome, reason, by] of [
    ['a"\\b', "x\ny", undefined],
    ["a", "b", 2],
    ["ab", "", undefined],
    ["a", "b", undefined],
  ] as const) {
    ours.inc({ reason, outcome }, by);
    theirs.inc({ outcome, reason }, by);
  }
  expect(ours.text()).toBe(await said(theirs));
  expect(ours.text()).toMatch(/^c\{outcome="a",reason="b"\} 3$/m);
});
