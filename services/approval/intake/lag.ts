/**
 * How far intake is behind, as a metric computed at each scrape: end offsets of the topic minus the offsets stored beside the effects. Only our
 * own offsets count, so a broker's view of consumer groups would show nothing.
 */
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import type { EventStream } from "../../../platform/stream/port.ts";

const ASK_MS = 2_000;

export function exposeLag(
  deps: {
    readonly metrics: Metrics;
    readonly stream: Pick<EventStream, "endOffsets">;
    readonly stored: (topic: string, partition: number) => Promise<bigint | undefined>;
  },
  topics: readonly string[],
): void {
  deps.metrics.gauge(
    "intake_lag_records",
    "offsets between what is stored and the end of the topic",
    ["topic"],
    async (gauge) => {
      gauge.reset();
      for (const topic of topics) {
        let lag = 0n;
        for (const [partition, end] of await deps.stream.endOffsets(topic, { deadlineMs: ASK_MS })) {
          const stored = await deps.stored(topic, partition);
          if (stored !== undefined && end > stored) lag += end - stored;
        }
        gauge.set({ topic }, Number(lag));
      }
    },
  );
}
