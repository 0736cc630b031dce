/**
 * How what was judged differs from what the upstream got: what the enforcer asked, what the policy was given of it, and what arrived. Native
 * mode: raw headers and bytes. Compatibility mode: one line for a name, and whatever is not UTF-8 as `!`, which is what Envoy writes there for
 * each such byte; so much is lost, and nothing else.
 */
import { textOfBytes } from "../../../core/policy/rego-value/bytes.ts";
import type { CheckRequest, CheckResponse } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { type Exchange, type HeaderLines, isForged, toPolicy, toUpstream } from "./own-headers.ts";
import { inputDifference } from "./policy-input.ts";

type Judged = {
  readonly request: CheckRequest;
  /** An allow. */
  readonly answer: CheckResponse;
  /** The document that the policy was given. */
  readonly input: unknown;
};

type Done = Pick<Exchange, "enforcer" | "framing" | "isBodyBegun" | "got">;

/** One sentence, or undefined when they are the same. */
export function difference(
  { request, answer, input }: Judged,
  { enforcer, framing, isBodyBegun, got }: Done,
): string | undefined {
  const isCompat = enforcer === "compat";
  const { attributes } = request;
  const http = attributes?.request?.http;
  if (http === undefined) return "the policy was asked about no HTTP request";
  const asked = `${http.method} ${http.host} ${http.path}`;
  const upstream = `${got.method} ${got.headers.host ?? ""} ${got.url}`;
  if (asked !== upstream) return `judged ${asked}, done ${upstream}`;
  if (got.rawTrailers.length > 0) return `trailers, which nobody judged: ${got.rawTrailers.join(", ")}`;
  const isSeen = isCompat || attributes?.contextExtensions.get("countersign.body") === "buffered";
  const exchange = { enforcer, asked: http, isSeen, framing, isBodyBegun, got };
  const arrived = pairs(got.rawHeaders);
  const ownWords = toUpstream(exchange);
  const forged = arrived.find(([name]) => isForged(name.toLowerCase(), ownWords));
  if (forged !== undefined) return `header ${forged[0]}: of a client, as if it were Envoy's`;
  const wrongIn = (judged: HeaderLines, shown: (text: string) => string) =>
    headersDifference(
      byName([...carriedOut(byName(judged), answer), ...ownWords]),
      byName([...arrived.map(([name, value]) => [name, shown(value)] as const), ...toPolicy(exchange)]),
    );
  const raw = (http.headerMap?.headers ?? []).map(({ key, rawValue }) => [key, rawValue.toString("latin1")] as const);
  const wrong = isCompat ? wrongIn([...http.headers], sanitized) : wrongIn(raw, (text) => text);
  if (wrong !== undefined) return wrong;
  const body = got.body.toString("latin1");
  const expected = isCompat ? sanitized(body) : body;
  const seen = isCompat ? http.body : http.rawBody.toString("latin1");
  if (!isSeen && (http.body !== "" || http.rawBody.length > 0)) return "a body on a route that streams";
  if (isSeen && seen !== expected) return `judged ${seen.length} bytes, got ${body.length}`;

  return inputDifference(input, got, {
    isCompat,
    body: isSeen ? expected : undefined,
    // A policy sees text: in native mode what is no UTF-8 was refused before.
    headers: (given) => wrongIn(given, isCompat ? sanitized : utf8),
  });
}

type Headers = ReadonlyMap<string, string>;

function headersDifference(judged: Headers, arrived: Headers): string | undefined {
  for (const name of new Set([...judged.keys(), ...arrived.keys()])) {
    const [one, other] = [judged.get(name), arrived.get(name)];
    if (one !== other) return `header ${name}: judged ${JSON.stringify(one)}, got ${JSON.stringify(other)}`;
  }
  return undefined;
}

/** What the answer itself says to change on the way: names of ours are set, and removed in every other spelling. */
function carriedOut(judged: Headers, { httpResponse }: CheckResponse): Headers {
  const left = new Map(judged);
  if (httpResponse?.$case !== "okResponse") return left;
  for (const { header } of httpResponse.value.headers) {
    if (header !== undefined) left.set(header.key.toLowerCase(), header.value);
  }
  for (const name of httpResponse.value.headersToRemove) left.delete(name.toLowerCase());
  return left;
}

/** Values in their order, joined: apart they are only where a list is sent. */
function byName(lines: HeaderLines): Headers {
  const found = new Map<string, string>();
  for (const [name, value] of lines) {
    const key = name.toLowerCase();
    const before = found.get(key);
    found.set(key, before === undefined ? value : `${before},${value}`);
  }
  return found;
}

function pairs(rawHeaders: readonly string[]): HeaderLines {
  return rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [[name, rawHeaders[at + 1] ?? ""] as const] : []));
}

function utf8(latin1: string): string {
  return Buffer.from(latin1, "latin1").toString("utf8");
}

/** As Envoy writes bytes into a text. */
function sanitized(latin1: string): string {
  return textOfBytes(Buffer.from(latin1, "latin1")).replaceAll(/[\udc80-\udcff]/gu, "!");
}
