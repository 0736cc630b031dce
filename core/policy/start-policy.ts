/**
 * Starts the policy host, and what keeps the configured bundle active in it. Both services start it in the same way with the same built-ins, so
 * that one bundle means the same to both.
 */
import { randomBytes } from "node:crypto";
import { activateFiles } from "./activate-files.ts";
import type { Budget } from "./budget.ts";
import { BUILTINS, BUILTINS_AND_NETWORK } from "./builtins/registry.ts";
import { withEnvironment } from "./builtins/runtime.ts";
import type { BundleConfig } from "./bundles/config.ts";
import { type Bundles, type BundlesDeps, startBundles } from "./bundles/start-bundles.ts";
import { createPolicyHost, type PolicyHost } from "./policy-host.ts";
import type { RouteNames } from "./route-result.ts";

type Policy = Bundles & { readonly host: PolicyHost };

type StartPolicyOptions = RouteNames & {
  readonly bundle: BundleConfig;
  readonly budget: Budget;
  /** What `opa.runtime` shows; empty: a bundle that calls it is refused. */
  readonly environment: ReadonlyMap<string, string>;
  /**
   * False: a bundle whose policies call `http.send` or `net.lookup_ip_addr` is refused. Otherwise it is taken, since a bundle is for both
   * services, and such a call ends the evaluation where nobody asks (asks.ts).
   */
  readonly networkBuiltins?: boolean;
  /** True: it is never asked for a decision here, so what one costs refuses no bundle. */
  readonly routesOnly?: boolean;
};

/** @throws CannotStart when the configuration's path holds no bundle, or one that is refused */
export async function startPolicy(
  deps: Omit<BundlesDeps, "take">,
  {
    bundle,
    defaultRealm,
    personId,
    budget,
    environment,
    networkBuiltins = true,
    routesOnly = false,
  }: StartPolicyOptions,
): Promise<Policy> {
  const builtins = networkBuiltins ? BUILTINS_AND_NETWORK : BUILTINS;
  const host = createPolicyHost(
    { builtins: withEnvironment(builtins, environment), randomBytes, monotonicMs: deps.clock.monotonicMs },
    { defaultRealm, personId, budget, anyPrice: routesOnly },
  );
  const take: BundlesDeps["take"] = ({ files, proof }) => activateFiles(host, files, proof?.validUntil);
  const bundles = await startBundles({ ...deps, take }, bundle, "a bundle, such as scripts/build-bundle.ts writes");
  return { ...bundles, host };
}
