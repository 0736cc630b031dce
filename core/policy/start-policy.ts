/**
 * The policy host with the bundle of the configuration active in it. Both services start it the same way, with the same
 * built-ins: one bundle means the same to both.
 */
import { randomBytes } from "node:crypto";
import { systemClock } from "../../platform/clock.ts";
import type { CheckResult } from "../../platform/http/ops-server.ts";
import { CannotStart, fromFiles } from "../../platform/lifecycle/cannot-start.ts";
import { ReloadRefused } from "../../platform/lifecycle/reload.ts";
import type { Log } from "../../platform/log/log.ts";
import type { Budget } from "./budget.ts";
import { BUILTINS } from "./builtins/registry.ts";
import { loadBundle } from "./bundle.ts";
import { createPolicyHost, type PolicyHost } from "./policy-host.ts";

export type Policy = {
  readonly host: PolicyHost;
  /** Of the bundle that was active at the start. */
  readonly revision: string;
  /** Activates the bundle that lies there now. Rejects when it cannot be used; the active one stays. */
  reload(bundlePath: string): Promise<void>;
  /** For `/readyz`. */
  health(): CheckResult;
};

/** @throws CannotStart when there is no bundle or it is refused */
export async function startPolicy(
  { log }: { readonly log: Log },
  {
    bundlePath,
    defaultRealm,
    budget,
  }: { readonly bundlePath: string; readonly defaultRealm: string; readonly budget: Budget },
): Promise<Policy> {
  const host = createPolicyHost(
    { builtins: BUILTINS, randomBytes, monotonicMs: systemClock.monotonicMs },
    { defaultRealm, budget },
  );
  const activation = await host.activate(
    await fromFiles("bundle.path", "a bundle, such as scripts/build-bundle.ts writes", () => loadBundle(bundlePath)),
  );
  if (activation.kind === "refused")
    throw new CannotStart(
      `bundle.path: the bundle is refused (${activation.reason}: ${activation.detail}); build it anew`,
    );
  activated(activation.revision);

  function activated(revision: string): void {
    log.info({ event: "bundle_activated", revision }, "policy is active");
  }
  return {
    host,
    revision: activation.revision,
    async reload(path) {
      const next = await host.activate(await loadBundle(path));
      if (next.kind === "refused") throw new ReloadRefused(`the bundle is refused (${next.reason}: ${next.detail})`);
      activated(next.revision);
    },
    health: () => (host.revision() === undefined ? { status: "failed" } : { status: "ok" }),
  };
}
