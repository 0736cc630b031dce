/** What compatibility mode needs: an existing opa-envoy-plugin policy, evaluated at its own path instead of the decision path. */
import type { Clocks } from "../../../core/domain/freshness.ts";
import type { CompatResult } from "../../../core/policy/compat-result.ts";
import type { RegoObject } from "../../../core/policy/rego-value/value.ts";
import type { AskedHost, Deadline, Evaluation } from "../ports.ts";

/**
 * `unparsable`: the request cannot be described to a policy, which was not asked. `suspended`: nor was it, since it ran
 * away too often for this caller.
 */
export type CompatJudged = {
  readonly result:
    | CompatResult
    | { readonly kind: "unparsable"; readonly message: string }
    | { readonly kind: "suspended" };
  readonly revision: string;
  readonly fuelUsed: number | undefined;
  /** Hosts that the policy asked. */
  readonly asked?: readonly AskedHost[];
};

/**
 * Compatibility mode: `request` is the whole check request as a document. Never throws. A promise, which never rejects, only where
 * the policy asks the network.
 */
export type CompatPolicy = {
  decide(
    request: RegoObject,
    evaluation: Evaluation,
    clocks: Clocks,
    deadline: Deadline,
  ): CompatJudged | Promise<CompatJudged>;
};
