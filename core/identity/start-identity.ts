/**
 * What a process needs to identify callers: the configured issuers, their key sets refreshed in the background, and the verification of
 * credentials. Both services start it the same way.
 */
import { unreachable } from "../domain/app-error.ts";
import { type Instant, instant } from "../domain/time.ts";
import type { Clock } from "../../platform/clock.ts";
import type { CheckResult } from "../../platform/http/ops-server.ts";
import { ReloadRefused } from "../../platform/lifecycle/reload.ts";
import type { Log } from "../../platform/log/log.ts";
import type { Metrics } from "../../platform/metrics/metrics.ts";
import { startAuthorities } from "./authorities.ts";
import { createIdentify, type Identify } from "./identify.ts";
import { createIssuers, type IssuerConfig, type Issuers } from "./issuers.ts";
import { createKeySets, type KeySetEvent } from "./key-sets.ts";
import type { PrincipalRule } from "./principal-config.ts";
import { createSignatureTurns } from "./signature-turns.ts";
import { createPrincipals, type Principals } from "./principals.ts";

/**
 * From the start on, as the state topic is waited for. NB: longer, and one dead issuer would keep a service that was restarted from everybody else;
 * shorter, and whoever is sent here would be refused for a hiccup.
 */
const WAIT_FOR_KEYS_MS = 10_000;

interface Identity extends AsyncDisposable, Pick<Identify, "identify" | "identifyInTurn"> {
  readonly issuers: Issuers;
  readonly principals: Principals;
  /** Reads the authorities again and looks at every key set now. Rejects when one could not be had; what was there stays, and the others are taken. */
  reload(): Promise<void>;
  /**
   * For `/readyz`, while an issuer has no keys that may be used, so that all its tokens are refused: failed for as long as it is waited for at the
   * start, then degraded; and failed for good where nobody could be known without it.
   */
  health(now: Instant): CheckResult;
}

/**
 * Does not wait for a key set: until one is here, tokens of its issuer are refused. `keyFolder` keeps the last good ones.
 * @throws CannotStart for authorities that cannot be read
 */
export async function startIdentity(
  {
    clock,
    signal,
    log,
    metrics,
  }: { readonly clock: Clock; readonly signal: AbortSignal; readonly log: Log; readonly metrics: Metrics },
  {
    issuers: configs,
    principals: rules,
    keyFolder,
    maxWaiting,
    callersShowCertificates,
  }: {
    readonly issuers: readonly IssuerConfig[];
    readonly principals: readonly PrincipalRule[];
    readonly keyFolder?: string | undefined;
    /** How many may wait until their signature has its turn (signature-turns.ts); undefined: nobody waits, each is verified at once. */
    readonly maxWaiting?: number;
    /** Whether callers are identified by a certificate here at all; else principals only map accounts that were seen elsewhere. */
    readonly callersShowCertificates: boolean;
  },
): Promise<Identity> {
  const startedMs = clock.monotonicMs();
  const issuers = createIssuers(configs);
  const principals = createPrincipals(rules);
  const authorities = await startAuthorities(issuers);
  const keySets = await createKeySets(
    {
      issuers,
      clock,
      signal,
      authorityOf: authorities.of,
      onEvent: (event) => tell(log, event),
    },
    keyFolder === undefined ? {} : { directory: keyFolder },
  );
  const turns = maxWaiting === undefined ? {} : { turns: createSignatureTurns(clock, { maxWaiting }) };
  const { identify, identifyInTurn, cacheSize } = createIdentify({ issuers, keySets, principals, ...turns });
  metrics.gauge("tokens_remembered", "Tokens whose verification is cached, by outcome", ["outcome"], (gauge) => {
    const { accepted, refused } = cacheSize();
    gauge.set({ outcome: "accepted" }, accepted.entries);
    gauge.set({ outcome: "refused" }, refused.entries);
  });
  const nowByClock = () => instant(Math.max(0, clock.wallMs()));
  metrics.gauge(
    "issuer_keys_age_seconds",
    "How long ago the keys of the issuer were last confirmed; none before the first time, and after a day they do not count",
    ["issuer"],
    (gauge) => {
      for (const { issuer, ageMs } of keySets.status(nowByClock())) {
        if (ageMs !== undefined) gauge.set({ issuer }, ageMs / 1_000);
      }
    },
  );
  metrics.gauge(
    "issuer_keys_usable",
    "1 while the issuer has usable keys; 0: all its tokens are refused",
    ["issuer"],
    (gauge) => {
      for (const { issuer, usable } of keySets.status(nowByClock())) gauge.set({ issuer }, usable ? 1 : 0);
    },
  );
  return {
    issuers,
    principals,
    identify,
    identifyInTurn,
    async reload() {
      const unread = await authorities.reload();
      const failed = (await keySets.reload()).map(({ issuer, reason }) => `${issuer} (${reason})`);
      const why = [...unread, ...(failed.length === 0 ? [] : [`keys of ${failed.join(", ")}`])];
      if (why.length > 0) throw new ReloadRefused(why.join("; "));
    },
    health(now) {
      const without = keySets.status(now).filter(({ usable }) => !usable);
      if (without.length === 0) return { status: "ok" };
      const canKnow = (callersShowCertificates && principals.configured) || without.length < issuers.size;
      const isWaitedFor = clock.monotonicMs() - startedMs < WAIT_FOR_KEYS_MS;
      const detail = `no usable keys of ${without.map(({ issuer }) => issuer).join(", ")}`;
      return { status: canKnow && !isWaitedFor ? "degraded" : "failed", detail };
    },
    [Symbol.asyncDispose]: () => keySets[Symbol.asyncDispose](),
  };
}

function tell(log: Log, { kind, ...about }: KeySetEvent): void {
  switch (kind) {
    case "keys_restored":
      log.info({ event: "keys_restored", ...about }, "the last good keys of an issuer are read from the disk");
      return;
    case "keys_refreshed":
      log.info({ event: "keys_refreshed", ...about }, "the keys of an issuer are read");
      return;
    case "keys_refresh_failed":
      log.warn(
        { event: "keys_refresh_failed", ...about },
        "the keys of an issuer cannot be read; those that were read before stay, if there are any",
      );
      return;
    case "keys_not_persisted":
      log.warn({ event: "keys_not_persisted", ...about }, "the keys of an issuer cannot be kept on the disk");
      return;
    case "keys_requested":
      log.info(
        { event: "keys_requested", ...about },
        "a token names an unknown key, or the known keys are too old; the issuer's keys are fetched",
      );
      return;
    default:
      throw unreachable(kind satisfies never);
  }
}
