/** Holds the active policy of a compatibility bundle; the last good one stays when another one is refused. */
import type { Instant } from "../domain/time.ts";
import type { Budget } from "./budget.ts";
import type { BundleFiles } from "./bundles/bundle-files.ts";
import type { Taken } from "./bundles/keeper.ts";
import { type CompatPolicy, loadCompatPolicy } from "./compat-policy.ts";
import type { RunnerDeps } from "./wasm/policy-runner.ts";

type CompatHost = {
  /** Undefined before the first activation. */
  current(): CompatPolicy | undefined;
  /** @throws AppError invalid_bundle */
  activate(files: BundleFiles, validUntil: Instant | undefined): Promise<Taken>;
};

type CompatHostOptions = { readonly path: string; readonly budget: Budget; readonly anyPrice?: boolean };

export function createCompatHost(deps: RunnerDeps, options: CompatHostOptions): CompatHost {
  let active: CompatPolicy | undefined;
  return {
    current: () => active,
    async activate(files, validUntil) {
      active = await loadCompatPolicy(deps, { ...options, files, validUntil, active: active?.module });
      const { revision, cases, module } = active;
      return { kind: "activated", revision, cases, compiled: module.compiled };
    },
  };
}
