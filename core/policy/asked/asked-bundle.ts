/**
 * A bundle that is evaluated beside the active one, of either kind: a candidate in shadow, or what an author explains or compares. It passes the
 * checks of every activation, and is evaluated as if it were active. Its network calls are not performed.
 */
import type { Instant } from "../../domain/time.ts";
import { activateFiles } from "../activate-files.ts";
import type { Replies } from "../asks.ts";
import { type Budget, DEFAULT_BUDGET } from "../budget.ts";
import type { BundleFiles } from "../bundles/bundle-files.ts";
import type { Taken } from "../bundles/keeper.ts";
import { refusalOf } from "../bundles/refusals.ts";
import { createCompatHost } from "../compat-host.ts";
import type { InputReads } from "../input-reads.ts";
import { createPolicyHost, type EvaluationTime } from "../policy-host.ts";
import type { RunnerDeps } from "../wasm/policy-runner.ts";
import type { Said } from "./said.ts";

export type AskedBundle = {
  /** Undefined before the first activation. */
  revision(): string | undefined;
  /** Parts of the input that it reads; undefined: it may read all. */
  inputReads(): InputReads | undefined;
  /** Never rejects; what was active stays when this one is refused. */
  activate(files: BundleFiles, validUntil?: Instant): Promise<Taken>;
  ask(inputJson: string, time: EvaluationTime, replies?: Replies): Answered;
};

type Answered = { readonly said: Said; readonly fuelUsed: number };

type AskedOptions = {
  /** Where a policy that was written for opa-envoy-plugin is asked; undefined: the bundle is one of ours. */
  readonly compatPath?: string | undefined;
  readonly budget?: Budget;
  /** Of a bundle of ours: core/policy/policy-host.ts. */
  readonly defaultRealm?: string;
  readonly warmUps?: number;
  /** Where nobody decides by it: a policy that is too dear for `budget` is taken. */
  readonly anyPrice?: boolean;
};

export function createAskedBundle(deps: RunnerDeps, { compatPath, ...options }: AskedOptions): AskedBundle {
  const asked = compatPath === undefined ? native(deps, options) : compat(deps, { ...options, path: compatPath });
  return {
    ...asked,
    async activate(files, validUntil) {
      try {
        return await asked.activate(files, validUntil);
      } catch (error) {
        return refusalOf(error);
      }
    },
  };
}

function native(
  deps: RunnerDeps,
  { defaultRealm = "default", ...options }: Omit<AskedOptions, "compatPath">,
): AskedBundle {
  const host = createPolicyHost(deps, { defaultRealm, ...options });
  return {
    revision: host.revision,
    inputReads: host.inputReads,
    activate: (files, validUntil) => activateFiles(host, files, validUntil),
    ask(inputJson, time, replies) {
      const { verdict, fuelUsed } = host.decide(inputJson, time, replies);
      return { said: { mode: "native", verdict }, fuelUsed };
    },
  };
}

function compat(
  deps: RunnerDeps,
  { path, budget = DEFAULT_BUDGET, anyPrice = false }: Omit<AskedOptions, "compatPath"> & { readonly path: string },
): AskedBundle {
  const host = createCompatHost(deps, { path, budget, anyPrice });
  return {
    revision: () => host.current()?.revision,
    inputReads: () => undefined,
    activate: host.activate,
    ask(inputJson, time, replies) {
      const policy = host.current();
      if (policy === undefined) return NOT_LOADED;
      const { result, fuelUsed } = policy.evaluate(inputJson, time, replies);
      return { said: { mode: "compat", result }, fuelUsed };
    },
  };
}

const NOT_LOADED: Answered = {
  said: {
    mode: "compat",
    result: { kind: "fault", reason: "policy_not_loaded", message: "no bundle is active", echoes: true },
  },
  fuelUsed: 0,
};
