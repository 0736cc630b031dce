/** Messages between the decision service and the candidate's thread. All of them can be cloned. */
import type { Difference } from "../../../core/policy/asked/differences.ts";
import type { Said, Statement } from "../../../core/policy/asked/said.ts";
import type { Replies } from "../../../core/policy/asks.ts";
import type { Budget } from "../../../core/policy/budget.ts";
import type { BundleFiles } from "../../../core/policy/bundles/bundle-files.ts";
import type { Taken } from "../../../core/policy/bundles/keeper.ts";
import type { InputReads } from "../../../core/policy/input-reads.ts";

export type CandidateSettings = {
  /** Path of an opa-envoy-plugin policy; undefined: the candidate is one of ours. */
  readonly compatPath?: string | undefined;
  readonly defaultRealm: string;
  readonly budget: Budget;
  /** The active policy's. */
  readonly environment?: ReadonlyMap<string, string>;
  /** As of the policy in force, whose replies a candidate gets; it asks nobody. */
  readonly networkBuiltins?: boolean;
};

/** A question that the active policy has answered. */
export type Job = {
  readonly decisionId: string;
  readonly inputJson: string;
  readonly nowNs: bigint;
  readonly said: Said;
  readonly revision: string;
  readonly replies?: Replies | undefined;
};

export type Differing = Pick<Job, "decisionId" | "revision"> & {
  readonly differences: readonly Difference[];
  readonly active: Told;
  readonly candidate: Told;
};

/**
 * What may be logged of what a policy said. NB: neither display lines, scopes, headers, bodies nor details of faults, which may hold what a
 * request held.
 */
export type Told = {
  readonly outcome: Statement["outcome"];
  /** Names of rules, or of entitlements; of a policy of opa-envoy-plugin none. */
  readonly reasons: readonly string[];
  /** HTTP, of a denial by a policy of opa-envoy-plugin. */
  readonly status?: number;
};

/** `revision`: of the candidate. */
export type Compared = {
  readonly revision: string;
  readonly agreed: number;
  readonly differing: readonly Differing[];
};

export type ToCandidate =
  | { readonly kind: "activate"; readonly files: BundleFiles }
  | { readonly kind: "compare"; readonly jobs: readonly Job[] };

export type FromCandidate =
  | { readonly kind: "taken"; readonly taken: Taken; readonly inputReads: InputReads | undefined }
  | { readonly kind: "compared"; readonly compared: Compared };
