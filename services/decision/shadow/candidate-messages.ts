/** What goes between the decision service and the thread of the candidate. Everything here can be cloned. */
import type { Verdict } from "../../../core/domain/decision.ts";
import type { Replies } from "../../../core/policy/asks.ts";
import type { Budget } from "../../../core/policy/budget.ts";
import type { BundleFiles } from "../../../core/policy/bundles/bundle-files.ts";
import type { Taken } from "../../../core/policy/bundles/keeper.ts";
import type { InputReads } from "../../../core/policy/input-reads.ts";
import type { Difference } from "./compare-verdicts.ts";

export type CandidateSettings = {
  readonly defaultRealm: string;
  readonly budget: Budget;
  /** As of the policy in force. */
  readonly environment?: ReadonlyMap<string, string>;
  /** As of the policy in force, whose replies a candidate gets; it asks nobody. */
  readonly networkBuiltins?: boolean;
};

/** A question that the active policy has answered. */
export type Job = {
  readonly decisionId: string;
  readonly inputJson: string;
  readonly nowNs: bigint;
  readonly verdict: Verdict;
  readonly revision: string;
  readonly replies?: Replies | undefined;
};

export type Differing = Pick<Job, "decisionId" | "revision"> & {
  readonly differences: readonly Difference[];
  readonly active: Said;
  readonly candidate: Said;
};

/** Of a verdict what may be logged. NB: neither display lines, scopes nor details of faults, which may hold what a request held. */
export type Said = {
  readonly outcome: Exclude<Verdict["kind"], "fault"> | Extract<Verdict, { kind: "fault" }>["reason"];
  /** Names of rules, or of entitlements. */
  readonly reasons: readonly string[];
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
