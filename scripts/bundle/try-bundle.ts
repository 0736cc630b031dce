/**
 * A bundle that was just built, activated as a service would: what its own cases (`self-test.json`), the host's checks and a warm-up
 * refuse is told while it is built and not when it is rolled out.
 */
import { randomBytes } from "node:crypto";
import { BUILTINS_AND_NETWORK } from "../../core/policy/builtins/registry.ts";
import { withRuntime } from "../../core/policy/builtins/runtime.ts";
import { bundleOf } from "../../core/policy/bundle.ts";
import type { BundleFiles } from "../../core/policy/bundles/bundle-files.ts";
import { createPolicyHost } from "../../core/policy/policy-host.ts";

const WARM_UPS = 1;

/** Why a service would refuse it; undefined when it would not. @throws AppError invalid_bundle */
export async function refusalOf(files: BundleFiles): Promise<string | undefined> {
  const deps = { builtins: withRuntime(BUILTINS_AND_NETWORK), randomBytes, monotonicMs: () => performance.now() };
  const host = createPolicyHost(deps, { defaultRealm: "built", warmUps: WARM_UPS, anyPrice: true });
  const activation = await host.activate(bundleOf(files));
  if (activation.kind !== "refused") return undefined;
  const { reason, detail } = activation;
  const hint =
    reason === "self_test_failed" ? "; mend the policy, or what the case in self-test.json of the source expects" : "";
  return `${reason}: ${detail}${hint}`;
}
