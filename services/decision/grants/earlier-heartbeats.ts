/**
 * Tells of an approval service that leads and is from before `heartbeat/2`: this decision service takes none of its heartbeats, so grants open nothing,
 * and whoever upgrades has to learn why. A relay of this version sends both, so the earlier ones alone say nothing.
 */
import type { Log } from "../../../platform/log/log.ts";
import type { Metrics } from "../../../platform/metrics/metrics.ts";

/** As old as a heartbeat may be. */
const ALONE_MS = 5_000;

type EarlierHeartbeats = {
  /** One of this version came. */
  replaced(): void;
  /** One for earlier decision services was read. NB: anybody may have written it; `isGenuine` is asked only where it would be told of. */
  read(monoMs: number, isGenuine: () => boolean): void;
};

export function createEarlierHeartbeats({
  log,
  metrics,
}: {
  readonly log: Log;
  readonly metrics: Metrics;
}): EarlierHeartbeats {
  const alone = metrics.counter(
    "heartbeats_of_earlier_version_total",
    "heartbeats that only earlier decision services take, read while none for this version had come for 5 s",
  );
  let sinceMs: number | undefined;
  let told = false;

  function onEarlierVersion(): void {
    alone.inc();
    if (told) return;
    told = true;
    log.warn(
      { event: "heartbeats_of_earlier_version" },
      "the approval service that publishes grants and incidents is of an earlier version, whose heartbeats are not taken: update all approval services first; meanwhile grants open nothing, and a decision service that starts knows of no incidents",
    );
  }

  return {
    replaced() {
      sinceMs = undefined;
      told = false;
    },
    read(monoMs, isGenuine) {
      sinceMs ??= monoMs;
      if (monoMs - sinceMs >= ALONE_MS && isGenuine()) onEarlierVersion();
    },
  };
}
