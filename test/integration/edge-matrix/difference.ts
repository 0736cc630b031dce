/**
 * How what the policy saw differs from what the upstream got. Native mode: raw headers and bytes. Compatibility mode: one line for a name,
 * and whatever is not UTF-8 as `!`, which is what Envoy writes there for each such byte; so much is lost, and nothing else.
 */
import { textOfBytes } from "../../../core/policy/rego-value/bytes.ts";
import type { CheckRequest } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import type { Received } from "../../harness/recording-upstream.ts";

/** What each hop writes for itself. */
const OWN = /^(:[a-z]+|host|connection|transfer-encoding|content-length|x-envoy-.*)$/;

/** One sentence, or undefined when they are the same. */
export function difference({ attributes }: CheckRequest, got: Received, isCompat: boolean): string | undefined {
  const http = attributes?.request?.http;
  if (http === undefined) return "the policy was asked about no HTTP request";
  const asked = `${http.method} ${http.host} ${http.path}`;
  const upstream = `${got.method} ${got.headers.host ?? ""} ${got.url}`;
  if (asked !== upstream) return `judged ${asked}, done ${upstream}`;
  const raw = (http.headerMap?.headers ?? []).map(({ key, rawValue }) => [key, rawValue.toString("latin1")] as const);
  const judged = isCompat ? byName(http.headers, (text) => text) : byName(raw, (text) => text);
  const arrived = byName(pairs(got.rawHeaders), isCompat ? sanitized : (text) => text);
  for (const name of new Set([...judged.keys(), ...arrived.keys()])) {
    const [one, other] = [judged.get(name), arrived.get(name)];
    if (one !== other) return `header ${name}: judged ${JSON.stringify(one)}, got ${JSON.stringify(other)}`;
  }
  const isSeen = isCompat || attributes?.contextExtensions.get("countersign.body") === "buffered";
  const body = got.body.toString("latin1");
  if (!isSeen) return http.body === "" && http.rawBody.length === 0 ? undefined : "a body on a route that streams";
  const seen = isCompat ? http.body : http.rawBody.toString("latin1");
  return seen === (isCompat ? sanitized(body) : body) ? undefined : `judged ${seen.length} bytes, got ${body.length}`;
}

/** Values in their order, joined: apart they are only where a list is sent. */
function byName(
  lines: Iterable<readonly [string, string]>,
  shown: (text: string) => string,
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of lines) {
    const key = name.toLowerCase();
    if (OWN.test(key)) continue;
    const before = found.get(key);
    found.set(key, before === undefined ? shown(value) : `${before},${shown(value)}`);
  }
  return found;
}

function pairs(rawHeaders: readonly string[]): readonly (readonly [string, string])[] {
  return rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [[name, rawHeaders[at + 1] ?? ""] as const] : []));
}

/** As Envoy writes bytes into a text. */
function sanitized(latin1: string): string {
  return textOfBytes(Buffer.from(latin1, "latin1")).replaceAll(/[\udc80-\udcff]/gu, "!");
}
