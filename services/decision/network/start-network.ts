/** Constructs the network access of policies; none if `policy.network.hosts` is empty. */
import type { Clock } from "../../../platform/clock.ts";
import type { Lifecycle } from "../../../platform/lifecycle/lifecycle.ts";
import type { Log } from "../../../platform/log/log.ts";
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import type { Network } from "../ports.ts";
import { createHttpClient } from "./http-client.ts";
import { createKeptReplies } from "./kept-replies.ts";
import { createListedHosts } from "./listed-hosts.ts";
import { createNames } from "./names.ts";
import { createNetwork } from "./network.ts";
import { createObserveAsk } from "./observe-ask.ts";

/** Share of the checks in flight that may wait for the network: others find room, however slow the asked hosts are. */
const SHARE_OF_ASKING = 0.5;

type StartNetworkDeps = {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly lifecycle: Pick<Lifecycle, "own">;
};

type NetworkSettings = {
  readonly hosts: readonly string[];
  readonly allowedRanges: readonly string[];
  readonly timeoutMs: number;
  readonly maxCalls: number;
  readonly maxResponseBytes: number;
  readonly maxCacheBytes: number;
};

export function startNetwork(
  { clock, log, metrics, lifecycle }: StartNetworkDeps,
  network: NetworkSettings,
  { maxInFlight }: { readonly maxInFlight: number },
): Network | undefined {
  if (network.hosts.length === 0) return undefined;
  const { maxCalls, timeoutMs, maxResponseBytes, maxCacheBytes } = network;
  const { monotonicMs, wallMs } = clock;
  const hosts = createListedHosts(network.hosts, network.allowedRanges);
  const resolve = createNames();
  return createNetwork(
    {
      client: lifecycle.own(createHttpClient({ resolve, hosts }, { maxResponseBytes })),
      ...{ resolve, hosts, wallMs, monotonicMs },
      kept: createKeptReplies({ maxBytes: maxCacheBytes }),
      observe: createObserveAsk({ log, metrics, monotonicMs }),
    },
    { maxCalls, timeoutMs, maxWaiting: Math.ceil(maxInFlight * SHARE_OF_ASKING) },
  );
}
