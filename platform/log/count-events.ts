/** Counts log events by name, also those whose line is omitted because of the level. */
import type { Metrics } from "../metrics/metrics.ts";
import type { OnEvent } from "./log.ts";

/** Of events that are not counted here, the counter of the program that does. */
export type CountedBy = ReadonlyMap<string, string>;

/** For `createLog`. Names are literals of the program, so the label is closed; the page that lists them is made from the same calls. */
export function countEvents(metrics: Metrics, countedBy: CountedBy = new Map()): OnEvent {
  const total = metrics.counter("events_total", "events, also those that logLevel leaves out", ["event", "level"]);
  return (event, level) => {
    if (!countedBy.has(event)) total.inc({ event, level });
  };
}
