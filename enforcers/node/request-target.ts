/**
 * The target of a request line: taken as it is, or refused. The gateway normalises nothing. What the native Envoy bootstrap
 * would rewrite (dot segments, `//`, `\`, escaped letters) or refuse (`%2f`, `%5c`, `%00`, `#`) is refused here, and so is
 * what frameworks are known to read differently (`..;`, `..%3b`, line breaks). A path that passes is the same path for the policy, for
 * Envoy and for the upstream. The query is not looked into: the policy sees its exact bytes, and so does the upstream.
 */
import { hasDotSegment } from "../../platform/http/dot-segment.ts";
import { type Refused, refused } from "./refusal.ts";

type Target = {
  readonly kind: "plain";
  /** The whole, as received. */
  readonly target: string;
  /** What stands before the first `?`. */
  readonly path: string;
};

/** RFC 3986: unreserved, sub-delims, `:`, `@`, `/`, and escapes. */
const PATH = /^\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*$/;
/** Visible ASCII without `#`: a fragment is never sent by a correct client. */
const QUERY = /^[\x21\x22\x24-\x7e]*$/;

export function readTarget(target: string): Target | Refused {
  const queryAt = target.indexOf("?");
  const path = queryAt < 0 ? target : target.slice(0, queryAt);
  const query = queryAt < 0 ? "" : target.slice(queryAt + 1);
  const isPlain = PATH.test(path) && QUERY.test(query) && !path.includes("//") && hasPlainEscapes(path);
  return isPlain && !hasDotSegment(path) ? { kind: "plain", target, path } : refused("target_ambiguous");
}

/** No escape for what needs none, for a separator, or for a control character. */
function hasPlainEscapes(path: string): boolean {
  return [...path.matchAll(/%(..)/g)].every(([, hex = ""]) => {
    const code = Number.parseInt(hex, 16);
    return code > 0x1f && code !== 0x7f && !/[A-Za-z0-9\-._~/\\]/.test(String.fromCharCode(code));
  });
}
