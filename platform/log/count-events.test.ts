import { expect, test } from "@jest/globals";
import { createMetrics } from "../metrics/metrics.ts";
import { countEvents } from "./count-events.ts";
import { createLog } from "./log.ts";

test("every event is counted, also debugging that the level leaves out, but for one that has a counter of its own", async () => {
  const metrics = createMetrics({ prefix: "t_" });
  const onEvent = countEvents(metrics, new Map([["served", "served_total"]]));
  const log = createLog({ name: "test", level: "error", destination: { write() {} }, onEvent });
  log.debug({ event: "served" }, "x");
  log.debug({ event: "tried" }, "x");
  log.child({ part: "p" }).debug({ event: "tried" }, "x");
  log.warn({ event: "lost" }, "x");
  const { text } = await metrics.expose();
  expect(text.split("\n").filter((line) => line.startsWith("t_events_total"))).toEqual([
    't_events_total{event="tried",level="debug"} 2',
    't_events_total{event="lost",level="warn"} 1',
  ]);
});
