/** From the `may_review` entrypoint's value to a permission. It can only refuse more; everything not understood refuses. */
import { Compile } from "typebox/compile";
import { schemaFault } from "./decision-result.ts";
import { plainOf } from "./rego-value/plain.ts";
import type { RegoValue } from "./rego-value/value.ts";
import { MayReviewResult } from "./schema/result.ts";

export type MayReview =
  | { readonly kind: "allowed" }
  | { readonly kind: "refused"; readonly reasons: readonly string[] }
  | { readonly kind: "fault"; readonly detail: string };

const schema = Compile(MayReviewResult);

/** Never throws. */
export function mayReviewOf(value: RegoValue | undefined): MayReview {
  if (value === undefined) return { kind: "fault", detail: "may_review is undefined" };
  try {
    const result = plainOf(value);
    if (!schema.Check(result)) return { kind: "fault", detail: schemaFault(schema.Errors(result)) };
    return result.allowed ? { kind: "allowed" } : { kind: "refused", reasons: result.reasons };
  } catch {
    return { kind: "fault", detail: "may_review is not readable" };
  }
}
