/**
 * Starts what keeps a bundle active, from the section `bundle` of a configuration. With a path, a bundle must be there at start, since nothing
 * else is to be expected; a server may come up later, and until then the process is not ready.
 */
import type { Clock } from "../../../platform/clock.ts";
import { readAuthorities, readPems } from "../../../platform/config/pem-files.ts";
import type { CheckResult } from "../../../platform/http/ops-server.ts";
import { CannotStart, fromFiles } from "../../../platform/lifecycle/cannot-start.ts";
import { ReloadRefused } from "../../../platform/lifecycle/reload.ts";
import type { Log } from "../../../platform/log/log.ts";
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import type { BundleConfig } from "./config.ts";
import { createDiskSource } from "./disk-source.ts";
import { createKeeper, type Take } from "./keeper.ts";
import { createKeptBundle } from "./kept-bundle.ts";
import type { BundleTrust } from "./open-bundle.ts";
import { bundleHealth, createBundleEvents, exposeBundle } from "./observe.ts";
import type { BundleSource } from "./source.ts";
import { describeStatus } from "./status.ts";
import { createTrustedKeys } from "./trusted-keys.ts";

/** What of the section a reload takes; the rest needs a restart. */
export const RELOADED = ["path", "url", "caPath", "token", "waitSeconds", "trustedKeys", "scope", "unsigned"].map(
  (key) => `bundle.${key}`,
);

export type Bundles = AsyncDisposable & {
  /** Logs and counts what happens to bundles, a candidate's too. */
  readonly tell: ReturnType<typeof createBundleEvents>;
  /** For `/readyz`. */
  health(): CheckResult;
  /** For `/v1/bundle`: JSON. */
  describe(): object;
  /** Looks at the source of the configuration now. Rejects when it holds nothing that can be used; the active one stays. */
  reload(config: BundleConfig): Promise<void>;
  /** Resolves when a bundle is active. Rejects when the process ends before. */
  untilActive(): Promise<void>;
};

export type BundlesDeps = {
  readonly take: Take;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly metrics: Metrics;
};

/** `what` says which bundle the source has to hold. @throws CannotStart */
export async function startBundles(
  { take, clock, signal, log, metrics }: BundlesDeps,
  config: BundleConfig,
  what: string,
): Promise<Bundles> {
  const trust = await bundleTrust(config);
  let source = await sourceOf(config);
  const tell = createBundleEvents({ log, metrics });
  if (trust.unsigned === "accepted") {
    log.warn(
      { event: "bundle_unsigned_accepted" },
      "bundle.unsigned is accepted: anybody who can change the bundle decides",
    );
  }
  metrics
    .gauge("bundle_unsigned_accepted", "1: a bundle without signature may decide, by bundle.unsigned")
    .set(trust.unsigned === "accepted" ? 1 : 0);
  const kept = config.keepFolder === undefined ? undefined : createKeptBundle(config.keepFolder);
  const keeper = await createKeeper(
    { source, take, kept, trust, clock, signal, onEvent: (event) => tell("active", event) },
    { pollMs: config.pollSeconds * 1_000 },
  );
  const { active, refused, failing } = keeper.status();
  if (active === undefined && config.path !== undefined) {
    await keeper[Symbol.asyncDispose]();
    throw new CannotStart(
      refused === undefined
        ? `bundle.path: the bundle cannot be read (${failing?.detail}); it has to name ${what}`
        : `bundle.path: the bundle is refused (${refused.reason}: ${refused.detail}); build it anew, and sign it`,
    );
  }
  exposeBundle(metrics, keeper.status);
  return {
    tell,
    health: () => bundleHealth(keeper.status()),
    describe: () => describeStatus(keeper.status()),
    async reload(now) {
      const [next, before] = [{ source: await sourceOf(now), trust: await bundleTrust(now) }, source];
      ({ source } = next);
      await keeper.reload(next);
      await before[Symbol.asyncDispose]();
      const status = keeper.status();
      const why = status.refused ?? status.failing;
      if (why !== undefined) throw new ReloadRefused(`the bundle is refused (${why.reason}: ${why.detail})`);
    },
    untilActive: keeper.untilActive,
    async [Symbol.asyncDispose]() {
      await keeper[Symbol.asyncDispose]();
      await source[Symbol.asyncDispose]();
    },
  };
}

/** @throws CannotStart */
export async function bundleTrust({ trustedKeys, scope, unsigned }: BundleConfig): Promise<BundleTrust> {
  const keys = await fromFiles("bundle.trustedKeys", "public keys (PEM): Ed25519, EC or RSA", async () =>
    createTrustedKeys(await readPems(trustedKeys)),
  );
  return { keys, scope, unsigned };
}

/** `section`: of the configuration, for what is said of a file that cannot be used. @throws CannotStart */
export async function sourceOf(config: BundleConfig, section = "bundle"): Promise<BundleSource & AsyncDisposable> {
  const { path, url, caPath, waitSeconds, token } = config;
  if (url === undefined) return { ...createDiskSource(path ?? ""), async [Symbol.asyncDispose]() {} };
  const ca =
    caPath === undefined
      ? undefined
      : await fromFiles(`${section}.caPath`, "an authority (PEM)", () => readAuthorities(caPath));
  // Whoever has a folder does not load a client of HTTP.
  const { createHttpSource } = await import("./http-source.ts");
  return createHttpSource({ url: new URL(url), ca, waitSeconds, token });
}
