/** Counts log events by name, also those whose line is omitted because of the level. */
import type { Metrics } from "../metrics/metrics.ts";
import type { OnEvent } from "./log.ts";

/** For `createLog`. Names are literals of the program, so the label is closed; the page that lists them is made from the same calls. */
export function countEvents(metrics: Metrics): OnEvent {
  const total = metrics.counter("events_total", "what was logged at info and above, by event", ["event", "level"]);
  return (event, level) => total.inc({ event, level });
}
