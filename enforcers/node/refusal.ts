/**
 * What the gateway refuses by itself, before or instead of a decision: the closed list of reasons with their status, and the
 * problem+json that says so in the shape of the decision service's answers. Details are fixed sentences; nothing of the
 * request is repeated.
 */
import type { HeaderLine } from "./header-line.ts";

const REASONS = {
  http_version_unsupported: [426, "Only HTTP/1.1 is spoken here."],
  method_refused: [405, "This method is not forwarded."],
  target_ambiguous: [400, "The path can be read in more than one way. Send it in its normal form."],
  header_ambiguous: [400, "A header line can be read in more than one way."],
  headers_too_many: [431, "Too many header lines."],
  framing_ambiguous: [400, "The end of the body can be read in more than one way."],
  encoding_unsupported: [501, "Only chunked is supported as transfer encoding."],
  upgrade_refused: [403, "This route does not switch protocols."],
  no_route: [404, "Nothing is served under this path."],
  body_too_large: [413, "The body is larger than this route takes."],
  body_too_slow: [408, "The rest of the body did not come in time."],
  authorization_unavailable: [503, "The decision service gave no decision, so the request is not forwarded."],
  internal_error: [503, "The gateway failed to handle this request; its log says why."],
  upstream_unavailable: [503, "The service behind the gateway cannot be reached."],
  upstream_timeout: [504, "The service behind the gateway did not answer in time."],
  upstream_invalid: [502, "The answer of the service behind the gateway cannot be passed on."],
} as const satisfies Readonly<Record<string, readonly [number, string]>>;

export type RefusalReason = keyof typeof REASONS;

export type Refused = { readonly kind: "refused"; readonly reason: RefusalReason };

export function refused(reason: RefusalReason): Refused {
  return { kind: "refused", reason };
}

/** Status, header lines and body of the answer to a refusal. A 503 says when to come back. */
export function refusalAnswer(reason: RefusalReason): {
  readonly status: number;
  readonly lines: readonly HeaderLine[];
  readonly body: string;
} {
  const [status, detail] = REASONS[reason];
  const problem = {
    type: `urn:countersign:problem:${reason}`,
    title: "Not forwarded",
    status,
    detail,
    outcome: "deny",
    reasons: [reason],
  };
  const body = JSON.stringify(problem);
  const retryAfter: readonly HeaderLine[] = status === 503 ? [["retry-after", "1"]] : [];
  const lines: readonly HeaderLine[] = [
    ["content-type", "application/problem+json"],
    ["cache-control", "no-store"],
    ...retryAfter,
  ];
  return { status, lines, body };
}
