/**
 * In what two policies differ about the same question. A fault or another outcome is all that is said of it, since the rest follows from it;
 * under the same outcome each part is compared by itself. Order does not count where it has no meaning.
 */
import { isDeepStrictEqual } from "node:util";
import type { ResponseFields, Verdict } from "../../../core/domain/decision.ts";

/** `fault`: one of them, or each in another way, could not be evaluated; its detail is not compared. */
export type Difference = "fault" | "outcome" | "reasons" | "elevations" | "response";

export function differencesBetween(one: Verdict, other: Verdict): readonly Difference[] {
  if (one.kind === "fault" || other.kind === "fault") {
    return one.kind === "fault" && other.kind === "fault" && one.reason === other.reason ? [] : ["fault"];
  }
  if (one.kind !== other.kind) return ["outcome"];
  const differences: Difference[] = [];
  if (!isDeepStrictEqual(reasonsOf(one), reasonsOf(other))) differences.push("reasons");
  if (!isDeepStrictEqual(elevationsOf(one), elevationsOf(other))) differences.push("elevations");
  if (!isDeepStrictEqual(sorted(one.response), sorted(other.response))) differences.push("response");
  return differences;
}

function reasonsOf(verdict: Exclude<Verdict, { kind: "fault" }>): ReadonlySet<string> {
  return new Set(verdict.kind === "elevate" ? [] : verdict.reasons);
}

/** In order already (core/policy/decision-result.ts). */
function elevationsOf(verdict: Verdict): readonly object[] {
  return verdict.kind === "elevate" ? verdict.elevations : [];
}

function sorted({ headers, responseHeadersToAdd, requestHeadersToRemove }: ResponseFields): object {
  const texts = (list: readonly unknown[]) => list.map((item) => JSON.stringify(item)).sort();
  return [headers, responseHeadersToAdd, requestHeadersToRemove].map(texts);
}
