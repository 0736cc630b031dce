/**
 * What is expected of an enforcer after one request, from the three who saw it: the client, the decision service, the upstream.
 */
import { expect } from "@jest/globals";
import { hasDotSegment } from "../../platform/http/dot-segment.ts";
import type { RawAnswer } from "../harness/raw-http.ts";
import type { RecordingAuthorization } from "../harness/recording-authorization.ts";
import type { RecordingUpstream } from "../harness/recording-upstream.ts";
import type { EnforcerCase } from "./enforcer-case.ts";
import { isRefusal } from "./is-refusal.ts";

export type Recorders = { readonly authorization: RecordingAuthorization; readonly upstream: RecordingUpstream };

/**
 * Either nothing passed and the client was told no, or one request passed, and it was the one that the policy saw, with a path in which no
 * upstream finds dots to resolve: who may repair such a path does so before it asks.
 */
export function expectConsistent(
  answer: RawAnswer,
  { authorization, upstream }: Recorders,
  { bytes, must }: Omit<EnforcerCase, "name">,
) {
  const [got, ...more] = upstream.received;
  expect(more).toEqual([]);
  if (must !== undefined)
    expect({ forwarded: got !== undefined, answer: answer.text.slice(0, 300) }).toMatchObject({
      forwarded: must === "be forwarded",
    });
  if (got === undefined) {
    expect(isRefusal(answer.status, bytes) ? "refused" : answer.text).toBe("refused");
    return;
  }
  expect(authorization.seen).toHaveLength(1);
  const http = authorization.seen[0]?.attributes?.request?.http;
  expect({ method: got.method, path: got.url, host: got.headers.host }).toEqual({
    method: http?.method,
    path: http?.path,
    host: http?.host,
  });
  expect(hasDotSegment(got.url.split("?", 1)[0] ?? "")).toBe(false);
  const judged = (http?.headerMap?.headers ?? []).map(({ key, rawValue }) => `${key}: ${rawValue.toString("latin1")}`);
  expect(endToEnd(linesOf(got.rawHeaders), got.body.length)).toEqual(endToEnd(judged, got.body.length));
  const isBuffered = authorization.seen[0]?.attributes?.contextExtensions.get("countersign.body") === "buffered";
  if (isBuffered) expect(http?.rawBody.equals(got.body)).toBe(true);
}

function linesOf(rawHeaders: readonly string[]): string[] {
  return rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [`${name.toLowerCase()}: ${rawHeaders[at + 1]}`] : []));
}

/** By name, values in their order; without what each hop writes for itself (edge-matrix/own-headers.ts), and a length that only says how long the body is. */
function endToEnd(all: readonly string[], bodyBytes: number): readonly string[] {
  const own =
    /^((:[a-z]+|host|transfer-encoding):|(connection: (keep-alive|close)|x-envoy-(auth-partial-body: false|expected-rq-timeout-ms: 15000))$)/;
  return all
    .filter((line) => !own.test(line) && line !== `content-length: ${bodyBytes}`)
    .map((line, at) => ({ name: line.slice(0, line.indexOf(":")), line, at }))
    .sort((one, other) => (one.name === other.name ? one.at - other.at : one.name < other.name ? -1 : 1))
    .map(({ line }) => line);
}
