/**
 * One example of every successful answer, for the OpenAPI document: the story of one deleted order. Typed by the schemas; document.test.ts checks
 * each against the document. Problems need none here: theirs come from the table.
 */
import type { Static } from "typebox";
import { ACCESS_REQUEST_EXAMPLES } from "./access-requests/examples.ts";
import type { HEADERS } from "./response-headers.ts";
import type { AuditPage } from "./schema/audit.ts";
import type { DenialShown } from "./schema/denials.ts";
import type { GrantShown } from "./schema/grants.ts";
import type { IncidentShown } from "./schema/incidents.ts";
import type { ProblemDocument } from "./schema/problems.ts";
import type { QuarantinedShown, QuarantinedWithPayload, ReplayShown } from "./schema/quarantine.ts";
import type { RequestShown, RequestWithGrant } from "./schema/requests.ts";
import type { Approvers } from "./schema/reviews.ts";

export const EXAMPLE_REQUEST_ID = "01930000-0000-7000-8000-0000000000aa";

type Example = {
  readonly description: string;
  readonly value: unknown;
  readonly headers?: readonly (keyof typeof HEADERS)[];
};

const [DENIAL, REQUEST, REVIEW, GRANT] = [
  "01930000-0000-7000-8000-000000000001",
  "01930000-0000-7000-8000-000000000002",
  "01930000-0000-7000-8000-000000000003",
  "01930000-0000-7000-8000-000000000004",
];
const ISSUER = "https://login.example.org";
const DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const dana = { realm: "example", id: "dana@example.org" };
const max = { realm: "example", id: "max@example.org" };

const elevation: Static<typeof RequestShown>["elevation"] = {
  entitlement: "orders-delete",
  scope: "order/42",
  title: "Delete an order",
  display: [{ label: "Order", value: "42" }],
  approvers_hint: "managers",
  risk: "high",
  binding: "scope",
  bind_headers: [],
  max_uses: 5,
  max_duration: "1h",
  justification: { required: true, min_length: 10 },
};
const binding = { unbindable: "not_buffered" };
const call: Static<typeof RequestShown>["call"] = {
  protocol: "http",
  method: "DELETE",
  authority: "orders.example.org",
  path: "/orders/42",
  masked_query: "",
  body_bytes: null,
  source_address: "192.0.2.7",
};
const requirement = { group: "managers", realm: "example" };

const denial: Static<typeof DenialShown> = {
  id: DENIAL,
  minted_at: "2026-11-24T09:00:00.000Z",
  expires_at: "2026-11-24T09:15:00.000Z",
  call,
  elevations: [{ elevation, binding }],
  policy_revision: "sha256:1f0e",
};
const pending: Static<typeof RequestShown> = {
  id: REQUEST,
  status: "pending",
  status_reason: null,
  denial_id: DENIAL,
  digest: DIGEST,
  requester: { person: dana, issuer: ISSUER, subject: "dana", actors: [] },
  submitted_by: null,
  call,
  elevation,
  binding,
  justification: "The customer cancelled it, ticket 4711.",
  requested: { max_uses: 5, duration: "1h", not_before: null, binding: "scope" },
  requirement,
  limits: null,
  policy_revision: "sha256:1f0e",
  created_at: "2026-11-24T09:01:00.000Z",
  expires_at: "2026-11-24T10:01:00.000Z",
  decided_at: null,
  reviews: [],
};
const decidedAt = "2026-11-24T09:05:00.000Z";
const approved: Static<typeof RequestShown> = {
  ...pending,
  status: "approved",
  decided_at: decidedAt,
  reviews: [
    {
      id: REVIEW,
      reviewer: max,
      vote: "approve",
      narrowing: { max_uses: 1, duration: "10m" },
      comment: null,
      at: decidedAt,
    },
  ],
};
const cancelled: Static<typeof RequestShown> = {
  ...pending,
  status: "cancelled",
  status_reason: "The order is shipped already.",
  decided_at: decidedAt,
};
const grant: Static<typeof GrantShown> = {
  id: GRANT,
  request_id: REQUEST,
  denial_id: DENIAL,
  person: dana,
  issuer: ISSUER,
  subject: "dana",
  actors: [],
  entitlement: "orders-delete",
  scope: "order/42",
  binding: { kind: "scope", bind_headers: [] },
  state: "active",
  uses: 0,
  max_uses: 1,
  not_before: decidedAt,
  expires_at: "2026-11-24T09:15:00.000Z",
};
const asked: Static<typeof RequestWithGrant> = { request: pending, grant: null };
const granted: Static<typeof RequestWithGrant> = { request: approved, grant };
const approvers: Static<typeof Approvers> = {
  requirement,
  sets: [{ group: { realm: "example", name: "managers" } }],
  waiting_for: [],
  approved_by: [max],
};
const record: Static<typeof AuditPage> = {
  items: [
    {
      sequence: "7",
      log: "approval",
      index: "3",
      event: {
        specversion: "1.0",
        id: "01930000-0000-7000-8000-000000000005",
        source: "/countersign/example/approval",
        type: "countersign.grant.revoked.v1",
        time: decidedAt,
        subject: `grant/${GRANT}`,
      },
    },
  ],
  next: "7",
};
const quarantined: Static<typeof QuarantinedShown> = {
  id: "01930000-0000-7000-8000-000000000006",
  topic: "countersign.denials.v1",
  partition: 0,
  offset: "42",
  key: "9f86d081…",
  key_id: "pdp-1",
  bytes: 1_204,
  reason: "signature_invalid",
  detail: "signature_invalid",
  quarantined_at: "2026-11-24T09:00:00.000Z",
  taken_at: null,
  dismissed_at: null,
  dismissed_reason: null,
  refused_replays: 0,
  last_refusal: null,
};
const withPayload: Static<typeof QuarantinedWithPayload> = {
  record: quarantined,
  payload: { kind: "none" },
  sha256: DIGEST,
};
const dismissed: Static<typeof QuarantinedShown> = {
  ...quarantined,
  dismissed_at: decidedAt,
  dismissed_reason: "Forged: its key is nobody's; reported as incident 17.",
};
const replayed: Static<typeof ReplayShown> = {
  outcome: "taken",
  reason: null,
  detail: null,
  record: { ...quarantined, taken_at: decidedAt },
};
const incident: Static<typeof IncidentShown> = {
  id: "01930000-0000-7000-8000-000000000007",
  ...{ state: "open", severity: "high", scope: "orders", title: "Orders are sent twice" },
  opened_at: "2026-11-24T09:00:00.000Z",
  closed_at: null,
};
const problem: Static<typeof ProblemDocument> = {
  type: "/v1/problems/digest_mismatch",
  code: "digest_mismatch",
  status: 409,
  title: "The digest does not match the request",
  detail: "GET the request again, read it, and send its `digest`.",
  pointer: "/digest",
  retry_after_seconds: null,
};
const page = (item: unknown) => ({ items: [item], next: null });
const of = (description: string, value: unknown, headers?: Example["headers"]): Example => ({
  description,
  value,
  ...(headers === undefined ? {} : { headers }),
});
const WRITTEN = ["etag", "location", "idempotency-replayed"] as const;

/** By operation and status. */
export const EXAMPLES: ReadonlyMap<string, Example> = new Map<string, Example>([
  ...ACCESS_REQUEST_EXAMPLES,
  ["submitRequest 201", of("A new request.", asked, WRITTEN)],
  ["submitRequest 200", of("The open request that asks for the same.", asked, WRITTEN)],
  ["listRequests 200", of("A page, newest first.", page(pending))],
  ["getRequest 200", of("The request, and its grant once there is one.", granted, ["etag", "location"])],
  ["listApprovers 200", of("Who may agree, and who has.", approvers)],
  ["reviewRequest 200", of("The request after this vote, and its grant if that decided it.", granted, WRITTEN)],
  ["cancelRequest 200", of("The request as it ended.", { request: cancelled, grant: null }, WRITTEN)],
  ["listDenials 200", of("A page, newest first.", page(denial))],
  ["getDenial 200", of("The denial.", denial)],
  ["listGrants 200", of("A page, newest first.", page(grant))],
  ["getGrant 200", of("The grant.", grant, ["etag"])],
  ["revokeGrant 200", of("The grant as it ended.", { ...grant, state: "revoked" }, ["etag", "idempotency-replayed"])],
  ["openIncident 201", of("The incident.", incident, WRITTEN)],
  ["listIncidents 200", of("A page, newest first.", page(incident))],
  ["getIncident 200", of("The incident.", incident, ["etag"])],
  [
    "closeIncident 200",
    of("As it ended.", { ...incident, state: "closed", closed_at: decidedAt }, ["etag", "idempotency-replayed"]),
  ],
  ["readAudit 200", of("Events in order of arrival.", record)],
  ["listQuarantine 200", of("A page, newest first.", page(quarantined))],
  ["getQuarantined 200", of("The record, masked.", withPayload)],
  ["replayRecord 200", of("What became of it.", replayed, ["idempotency-replayed"])],
  ["dismissRecord 200", of("The record as it ended.", dismissed, ["idempotency-replayed"])],
  ["getProblem 200", of("One row of docs/problems.md.", problem)],
]);
