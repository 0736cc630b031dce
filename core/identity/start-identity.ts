/**
 * What a process needs to know who is calling: the issuers of its configuration, their key sets kept fresh in the
 * background, and the check of a credential against them. Both services start it the same way.
 */
import type { Instant } from "../domain/time.ts";
import type { Clock } from "../../platform/clock.ts";
import type { CheckResult } from "../../platform/http/ops-server.ts";
import type { Log } from "../../platform/log/log.ts";
import { createIdentify, type Identify } from "./identify.ts";
import { createIssuers, type IssuerConfig, type Issuers } from "./issuers.ts";
import { createKeySets } from "./key-sets.ts";

export interface Identity extends AsyncDisposable {
  readonly issuers: Issuers;
  readonly identify: Identify["identify"];
  /** For `/readyz`: failed while an issuer has no keys that may be used, since its tokens are all refused. */
  health(now: Instant): CheckResult;
}

/** Does not wait for a key set: until one is here, tokens of its issuer are refused. `keyFolder` keeps the last good ones. */
export async function startIdentity(
  { clock, signal, log }: { readonly clock: Clock; readonly signal: AbortSignal; readonly log: Log },
  {
    issuers: configs,
    keyFolder,
  }: { readonly issuers: readonly IssuerConfig[]; readonly keyFolder?: string | undefined },
): Promise<Identity> {
  const issuers = createIssuers(configs);
  const keySets = await createKeySets(
    {
      issuers,
      clock,
      signal,
      onEvent: (event) =>
        log[event.kind === "keys_refresh_failed" ? "warn" : "info"]({ ...event, event: event.kind }, "key set"),
    },
    keyFolder === undefined ? {} : { directory: keyFolder },
  );
  return {
    issuers,
    identify: createIdentify({ issuers, keySets }).identify,
    health: (now) => {
      const without = keySets.status(now).filter(({ usable }) => !usable);
      return without.length === 0
        ? { status: "ok" }
        : { status: "failed", detail: `no usable keys of ${without.map(({ issuer }) => issuer).join(", ")}` };
    },
    [Symbol.asyncDispose]: () => keySets[Symbol.asyncDispose](),
  };
}
