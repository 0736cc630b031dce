/** Starts what keeps a compatibility policy's bundle active: like start-policy.ts in native mode, with one path instead of our entrypoints. */
import { randomBytes } from "node:crypto";
import type { Budget } from "./budget.ts";
import type { BuiltinTable } from "./builtin.ts";
import type { BundleConfig } from "./bundles/config.ts";
import { type Bundles, type BundlesDeps, startBundles } from "./bundles/start-bundles.ts";
import { createCompatHost } from "./compat-host.ts";
import type { CompatPolicy } from "./compat-policy.ts";

type StartedCompatPolicy = {
  readonly bundles: Bundles;
  /** Undefined before the first activation. */
  current(): CompatPolicy | undefined;
};

type StartCompatPolicyOptions = {
  readonly bundle: BundleConfig;
  readonly path: string;
  readonly budget: Budget;
  readonly builtins: BuiltinTable;
};

/** @throws CannotStart when the configuration's path holds no bundle, or one that is refused */
export async function startCompatPolicy(
  deps: Omit<BundlesDeps, "take">,
  { bundle, path, budget, builtins }: StartCompatPolicyOptions,
): Promise<StartedCompatPolicy> {
  const runner = { builtins, randomBytes, monotonicMs: deps.clock.monotonicMs };
  const host = createCompatHost(runner, { path, budget });
  const take: BundlesDeps["take"] = ({ files, proof }) => host.activate(files, proof?.validUntil);
  const what = `a bundle that opa build -t wasm -e ${path} wrote`;
  return { bundles: await startBundles({ ...deps, take }, bundle, what), current: host.current };
}
