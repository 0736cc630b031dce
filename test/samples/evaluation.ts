/** One call to be judged, as tests of the decision service need it: dana's `DELETE /orders/42`, or a TCP connection. */
import type { HttpRequest } from "../../core/domain/binding.ts";
import { deny, type NeedsApproval, NO_RESPONSE_FIELDS } from "../../core/domain/decision.ts";
import { id } from "../../core/domain/id.ts";
import { instant } from "../../core/domain/time.ts";
import type { Answered } from "../../services/decision/api/ports.ts";
import type { Deadline, Evaluation } from "../../services/decision/ports.ts";
import { ELEVATION } from "./domain.ts";

export const HTTP: HttpRequest = {
  method: "DELETE",
  scheme: "http",
  authority: "orders",
  path: "/orders/42",
  query: "",
  headers: new Map(),
  body: { kind: "not_buffered" },
};

/** Of a TCP connection. */
export const CONNECTION: Evaluation = {
  decisionId: id("decision", "01930000-0000-7000-8000-000000000002"),
  protocol: "tcp",
  call: {
    source: undefined,
    destination: undefined,
    time: undefined,
    http: undefined,
    httpDetails: undefined,
    contextExtensions: new Map(),
    tlsServerName: undefined,
  },
  credentials: { authorization: [], principal: undefined },
  justification: undefined,
  traceparent: undefined,
};

/** Time that does not pass: as much as is shipped. */
export const LEFT: Deadline = { leftMs: () => 450, within: () => LEFT };

/** Of a question by API. */
export const BY_API: Evaluation = { ...CONNECTION, protocol: "api" };

/** What no rule allowed. */
export const DENIED_BY_API: Answered = {
  decision: deny("no_rule_matched"),
  subject: undefined,
  policyRevision: "r1",
  time: instant(1_795_478_400_000),
  evaluation: BY_API,
};

/** What may be asked for, though no denial of it was published: there is a grant that has not begun. */
export const NEEDS_APPROVAL: NeedsApproval = {
  kind: "needs_approval",
  elevations: [ELEVATION],
  denial: undefined,
  tooManyDenials: undefined,
  grantReason: "not_yet_active",
  response: NO_RESPONSE_FIELDS,
};

/** Of an HTTP request; `http` and `call` are spread over the sample's. */
export function evaluationOf({
  http,
  call,
  ...more
}: Partial<Omit<Evaluation, "call">> & {
  readonly http?: Partial<HttpRequest>;
  readonly call?: Partial<Evaluation["call"]>;
} = {}): Evaluation {
  return {
    ...CONNECTION,
    protocol: "http",
    call: { ...CONNECTION.call, ...call, http: { ...HTTP, ...http } },
    ...more,
  };
}
