/** What keeps the bundle of a compatibility policy active: as start-policy.ts in native mode, with one path in place of our entrypoints. */
import { randomBytes } from "node:crypto";
import type { Budget } from "./budget.ts";
import type { BuiltinTable } from "./builtin.ts";
import type { BundleConfig } from "./bundles/config.ts";
import { type Bundles, type BundlesDeps, startBundles } from "./bundles/start-bundles.ts";
import { type CompatPolicy, loadCompatPolicy } from "./compat-policy.ts";

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
  let active: CompatPolicy | undefined;
  const take: BundlesDeps["take"] = async ({ files, proof }) => {
    active = await loadCompatPolicy(runner, {
      ...{ files, path, budget },
      validUntil: proof?.validUntil,
      active: active?.module,
    });
    const { revision, cases, module } = active;
    return { kind: "activated", revision, cases, compiled: module.compiled };
  };
  const what = `a bundle that opa build -t wasm -e ${path} wrote`;
  return { bundles: await startBundles({ ...deps, take }, bundle, what), current: () => active };
}
