/**
 * Starts the candidate of `bundle.shadow`: a keeper of its own over its source, with the active bundle's signature rules, and a thread. Neither
 * the start nor readiness waits for it. A reload starts over with the current configuration, or ends it.
 */
import { candidateConfig, type ShadowedBundleConfig } from "../../../core/policy/bundles/config.ts";
import { createKeeper } from "../../../core/policy/bundles/keeper.ts";
import { type Bundles, bundleTrust, sourceOf } from "../../../core/policy/bundles/start-bundles.ts";
import { describeStatus, type KeeperStatus } from "../../../core/policy/bundles/status.ts";
import type { Clock } from "../../../platform/clock.ts";
import type { Log } from "../../../platform/log/log.ts";
import { CannotStart } from "../../../platform/lifecycle/cannot-start.ts";
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import type { Asked, NativeQuestion, Shadow } from "./ports.ts";
import { createCandidate } from "./candidate.ts";
import type { CandidateSettings } from "./candidate-messages.ts";
import { createShadowObserver } from "./observe-shadow.ts";
import { createShadow } from "./shadow.ts";

/** The part of the section that a reload applies. */
export const SHADOW_RELOADED = ["bundle.shadow"];

type RunningShadow = AsyncDisposable &
  Shadow & {
    /** For `/v1/bundle`: JSON; null when there is no candidate. */
    describe(): object | null;
    /** @throws CannotStart, and then there is none */
    reload(config: ShadowedBundleConfig): Promise<void>;
  };

type StartShadowDeps = {
  readonly tell: Bundles["tell"];
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Where a policy of opa-envoy-plugin decides: how a candidate of ours is asked, if the process was started with one. */
  readonly question?: NativeQuestion | undefined;
};

type Running = AsyncDisposable & Shadow & { status(): KeeperStatus | undefined };

/** `settings`: as of the policy that decides. @throws CannotStart when a file that the configuration names cannot be used */
export async function startShadow(
  { tell, clock, signal, log, metrics, question }: StartShadowDeps,
  config: ShadowedBundleConfig,
  settings: CandidateSettings,
): Promise<RunningShadow> {
  const observer = createShadowObserver({ log, metrics, monotonicMs: clock.monotonicMs });
  let running = await begin(config);
  metrics.gauge("shadow_info", "1 for the candidate that is compared", ["revision"], (gauge) => {
    gauge.reset();
    const active = running?.status()?.active;
    if (active !== undefined) gauge.set({ revision: active.revision }, 1);
  });

  async function begin(now: ShadowedBundleConfig): Promise<Running | undefined> {
    const from = candidateConfig(now);
    if (from === undefined) return undefined;
    const native = now.shadow?.native === true;
    if (native && question === undefined)
      throw new CannotStart(
        "bundle.shadow.native: is taken by a restart only, since identity and context are prepared by the start; restart the process",
      );
    const compatPath = native ? undefined : (now.shadow?.compatPath ?? settings.compatPath);
    const trust = await bundleTrust(from);
    const source = await sourceOf(from, "bundle.shadow");
    const stop = new AbortController();
    const candidate = createCandidate(observer, { settings: { ...settings, compatPath } });
    const starting = createKeeper(
      {
        source,
        take: ({ files }) => candidate.activate(files),
        kept: undefined,
        trust,
        clock,
        signal: AbortSignal.any([signal, stop.signal]),
        onEvent: (event) => tell("candidate", event),
      },
      { pollMs: from.pollSeconds * 1_000 },
    );
    let status: (() => KeeperStatus) | undefined;
    void starting.then((keeper) => (status = keeper.status));
    return {
      ...createShadow({ candidate, ...observer }),
      native: () => (native ? question : undefined),
      status: () => status?.(),
      async [Symbol.asyncDispose]() {
        stop.abort();
        await candidate[Symbol.asyncDispose]();
        await (await starting)[Symbol.asyncDispose]();
        await source[Symbol.asyncDispose]();
      },
    };
  }

  return {
    isAsked: () => running?.isAsked() === true,
    native: () => running?.native?.(),
    offer: (asked: Asked) => running?.offer(asked),
    describe() {
      const status = running?.status();
      if (running === undefined) return null;
      return { ...(status === undefined ? { active: null } : describeStatus(status)), compared: observer.counts() };
    },
    async reload(next) {
      const before = running;
      running = undefined;
      await before?.[Symbol.asyncDispose]();
      running = await begin(next);
    },
    async [Symbol.asyncDispose]() {
      await running?.[Symbol.asyncDispose]();
    },
  };
}
