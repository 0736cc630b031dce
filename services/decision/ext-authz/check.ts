/**
 * One Check in native mode: evaluate, then translate. What cannot be decoded, described or accepted is denied; a caller never gets a gRPC error
 * from here.
 */
import { deny } from "../../../core/domain/decision.ts";
import type { Evaluate } from "../ports.ts";
import { createAllowBytes } from "./allow-bytes.ts";
import { checkResponse, type ResponseOptions, withSafeHeaders } from "./check-response.ts";
import { type Check, createEdge, type EdgeDeps, refused } from "./edge.ts";

type CheckDeps = EdgeDeps & { readonly evaluate: Evaluate };

export function createCheck(deps: CheckDeps, options: ResponseOptions): Check {
  const { evaluate, readClocks } = deps;
  const allowBytes = createAllowBytes();
  return createEdge(deps, async ({ arrived, evaluation, fault, deadline, shed }) => {
    if (arrived.kind !== "request") return refused(deny("request_parse_error", [arrived.kind]), evaluation);
    if (fault !== undefined) return refused(deny("request_parse_error", [fault]), evaluation);
    if (shed) return refused(deny("overloaded"), evaluation);
    const evaluated = withSafeHeaders(await evaluate(evaluation, { readClocks, deadline, mode: "enforce" }));
    return {
      evaluated,
      answer: () => allowBytes(evaluated, evaluation) ?? checkResponse(evaluated, evaluation, options),
    };
  });
}
