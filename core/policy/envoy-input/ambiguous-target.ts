/**
 * Why a policy is not asked about a path: an upstream might serve another one than the policy sees. Native mode only; compatibility mode asks
 * about whatever opa-envoy-plugin asks about. Our Envoy bootstrap and the gateway refuse or rewrite all of this before they ask, and more (`%2f`,
 * `%5c`, `//`); what is refused here is what no client sends on purpose, whichever enforcer is used. `/a//b` and `%2f` have a meaning in some
 * APIs, so refusing them is up to the enforcer: the policy sees an empty segment, or a decoded one.
 */
import { hasDotSegment } from "../../../platform/http/dot-segment.ts";

/** @returns undefined where every upstream reads the path as the policy does */
export function ambiguityOf({ path, query }: { readonly path: string; readonly query: string }): string | undefined {
  if (hasDotSegment(path)) return "a segment of the path is . or ..";
  if (path.includes("\\")) return "the path holds a \\";
  if (path.includes("#") || query.includes("#")) return "the path or query holds a #";
  return /[\0-\x1f\x7f]|%00/.test(path) ? "the path holds a control character" : undefined;
}
