/**
 * One Check in compatibility mode: an opa-envoy-plugin policy at its own path, without identity, grants or approvals. Allows and denials are
 * answered as the plugin answers them. A policy that gives neither, or fails, is our denial with its own reason.
 *
 * Two habits of the plugin open doors and exist only under `compat.unsafe`: `onError: grpc_error` answers a policy fault with a gRPC error (which
 * `failure_mode_allow` lets through), and `dryRun` allows what the policy denied. NB: neither covers what a client can cause: a message that
 * cannot be decoded, and text that the policy echoes but that cannot be sent, stay explicit denials (CVE-2023-27488).
 */
import { status } from "@grpc/grpc-js";
import { allowByDryRun, allowByPolicy, decisionFrom, deny, NO_RESPONSE_FIELDS } from "../../../core/domain/decision.ts";
import { type CompatResult, NO_FIELDS } from "../../../core/policy/compat-result.ts";
import type { CompatJudged, CompatPolicy } from "./ports.ts";
import type { Evaluation } from "../ports.ts";
import type { ReadCompatRequest } from "./compat-request.ts";
import { compatAllowed, compatDenied, compatUnparsable } from "./compat-response.ts";
import { type Check, createEdge, type EdgeDeps, type Judge, type Judged, refused, RpcFailure } from "./edge.ts";

type CompatCheckDeps = EdgeDeps & { readonly policy: CompatPolicy; readonly readRequest: ReadCompatRequest };

type CompatCheckOptions = {
  /** The plugin's `path`; stands in the decision log as the rule that denied. */
  readonly path: string;
  /** Unsafe, both. */
  readonly dryRun: boolean;
  readonly onError: "deny" | "grpc_error";
};

/** `around` sees every call that is judged, such as to make a span of it. */
export function createCompatCheck(
  deps: CompatCheckDeps,
  options: CompatCheckOptions,
  around: (judge: Judge) => Judge = (judge) => judge,
): Check {
  const { policy, readRequest, readClocks } = deps;
  const judge: Judge = async ({ arrived, evaluation, deadline, shed }) => {
    if (arrived.kind === "oversize") return refused(deny("request_parse_error", [arrived.kind]), evaluation);
    if (shed) return refused(deny("overloaded"), evaluation);
    if (deadline.leftMs() <= 0) return refused(deny("deadline_exceeded"), evaluation);
    const request = readRequest(arrived.bytes);
    if (request === undefined) return refused(deny("request_parse_error", ["undecodable"]), evaluation);

    const judged = policy.decide(request, evaluation, readClocks(), deadline);
    const asked = judged instanceof Promise ? await judged : judged;
    const { result } = asked;
    if (deadline.leftMs() <= 0) return onRecord(refused(deny("deadline_exceeded"), evaluation), asked);
    if (result.kind === "suspended") return onRecord(refused(deny("policy_suspended"), evaluation), asked);
    if (result.kind !== "unparsable") return onRecord(judgedBy(result, evaluation, options), asked);
    const evaluated = { ...NOBODY, decision: deny("request_parse_error", [result.message]) };
    return onRecord({ evaluated, answer: () => compatUnparsable(result.message) }, asked);
  };
  return createEdge(deps, around(judge));
}

const NOBODY = { subject: undefined, policyRevision: undefined } as const;

function onRecord({ evaluated, answer }: Judged, { revision, fuelUsed, asked }: CompatJudged): Judged {
  return { evaluated: { ...evaluated, policyRevision: revision, fuelUsed, asked }, answer };
}

function judgedBy(result: CompatResult, evaluation: Evaluation, options: CompatCheckOptions): Judged {
  const { decisionId } = evaluation;
  switch (result.kind) {
    case "allow": {
      const decision = allowByPolicy({ kind: "allow", reasons: [], response: NO_RESPONSE_FIELDS });
      const answer = () => compatAllowed(decision, result.fields, result.metadata, decisionId);
      return { evaluated: { ...NOBODY, decision }, answer };
    }
    case "deny": {
      const verdict = { kind: "deny", reasons: [options.path], response: NO_RESPONSE_FIELDS } as const;
      if (!options.dryRun) {
        return {
          evaluated: { ...NOBODY, decision: decisionFrom(verdict) },
          answer: () => compatDenied(result, decisionId),
        };
      }
      const decision = allowByDryRun(verdict);
      const answer = () => compatAllowed(decision, NO_FIELDS, result.metadata, decisionId);
      return { evaluated: { ...NOBODY, decision }, answer };
    }
    case "fault": {
      const denied = refused(deny(result.reason, [result.message]), evaluation);
      if (options.onError === "deny" || result.echoes) return denied;
      return { ...denied, answer: () => new RpcFailure(status.UNKNOWN, result.message) };
    }
  }
}
