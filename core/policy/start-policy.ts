/**
 * The policy host with the bundle of the configuration active in it. Both services start it the same way, with the same
 * built-ins: one bundle means the same to both.
 */
import { randomBytes } from "node:crypto";
import { systemClock } from "../../platform/clock.ts";
import type { CheckResult } from "../../platform/http/ops-server.ts";
import { CannotStart, fromFiles } from "../../platform/lifecycle/cannot-start.ts";
import type { Log } from "../../platform/log/log.ts";
import { BUILTINS } from "./builtins/registry.ts";
import { loadBundle } from "./bundle.ts";
import { createPolicyHost, type PolicyHost } from "./policy-host.ts";

export type Policy = {
  readonly host: PolicyHost;
  /** Of the bundle that was active at the start. */
  readonly revision: string;
  /** For `/readyz`. */
  health(): CheckResult;
};

/** @throws CannotStart when there is no bundle or it is refused */
export async function startPolicy(
  { log }: { readonly log: Log },
  { bundlePath, defaultRealm }: { readonly bundlePath: string; readonly defaultRealm: string },
): Promise<Policy> {
  const host = createPolicyHost(
    { builtins: BUILTINS, randomBytes, monotonicMs: systemClock.monotonicMs },
    { defaultRealm },
  );
  const activation = await host.activate(
    await fromFiles("bundle.path", "a bundle, such as scripts/build-bundle.ts writes", () => loadBundle(bundlePath)),
  );
  if (activation.kind === "refused")
    throw new CannotStart(
      `bundle.path: the bundle is refused (${activation.reason}: ${activation.detail}); build it anew`,
    );
  log.info({ event: "bundle_activated", revision: activation.revision }, "policy is active");
  return {
    host,
    revision: activation.revision,
    health: () => (host.revision() === undefined ? { status: "failed" } : { status: "ok" }),
  };
}
