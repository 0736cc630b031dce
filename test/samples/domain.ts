/**
 * What tests of rules start from: dana may ask for five uses of `DELETE /orders/42` in an hour. A test spreads what it is about over it, so
 * that its own text shows just that.
 */
import type { AccessRequest } from "../../core/domain/access-request.ts";
import type { Denial, DeniedCall } from "../../core/domain/denial.ts";
import type { Elevation } from "../../core/domain/elevation.ts";
import type { Grant } from "../../core/domain/grant.ts";
import { digest, id } from "../../core/domain/id.ts";
import type { Requirement } from "../../core/domain/requirement.ts";
import type { Vote } from "../../core/domain/review.ts";
import type { Party } from "../../core/domain/subject.ts";
import { durationMs, instant, plus } from "../../core/domain/time.ts";

export const NOW = instant(1_795_000_000_000);
export const HOUR = durationMs(3_600_000);
export const ISSUER = "https://issuer.example";
/** A digest of nothing in particular. */
export const A = digest("a".repeat(64));

/** The n-th id of any kind. */
export function uuid(n: number): string {
  return `01930000-0000-7000-8000-${String(n).padStart(12, "0")}`;
}

/** The account and the person behind it, of one name; an account without a person when that is undefined. */
export function party(account: string, person: string | undefined, groups: readonly string[] = []): Party {
  return {
    subject: { issuer: ISSUER, id: account, groups, claims: {}, actors: [] },
    person: person === undefined ? undefined : { realm: "corp", id: person },
    actorPersons: [],
    machine: false,
  };
}

/** Somebody of this group. */
export function anyOf(group: string): Requirement {
  return { kind: "one_from", set: { kind: "group", realm: "corp", group } };
}

const CALL: DeniedCall = {
  protocol: "http",
  method: "DELETE",
  authority: "o",
  path: "/orders/42",
  maskedQuery: "",
  bodyBytes: 0,
  fieldHashes: {},
  sourceAddress: undefined,
};

export const ELEVATION: Elevation = {
  entitlement: "orders-delete",
  scope: "order/42",
  title: "Delete an order",
  display: [],
  approversHint: undefined,
  risk: "high",
  binding: "scope",
  bindHeaders: [],
  maxUses: 5,
  maxDuration: HOUR,
  justification: { required: true, minLength: 10 },
};

const offer = { elevation: ELEVATION, binding: { kind: "digest", digest: A } } as const;

export const DENIAL: Denial = {
  id: id("denial", uuid(1)),
  key: A,
  decisionId: id("decision", uuid(2)),
  mintedAt: NOW,
  expiresAt: plus(NOW, durationMs(900_000)),
  subject: party("dana", "dana").subject,
  call: CALL,
  offers: [offer],
  policyRevision: "r1",
  justification: undefined,
  traceparent: undefined,
};

/** It waits for a manager, for a day. */
export const PENDING: AccessRequest = {
  id: id("request", uuid(10)),
  denialId: DENIAL.id,
  key: A,
  requester: { person: { realm: "corp", id: "dana" }, actorPersons: [], issuer: ISSUER, subject: "dana", actors: [] },
  submittedBy: undefined,
  call: CALL,
  offer,
  justification: "the customer cancelled it",
  requested: { maxUses: 5, duration: HOUR, notBefore: undefined, binding: "scope" },
  requirement: anyOf("managers"),
  limits: undefined,
  notify: [],
  escalation: undefined,
  policyRevision: "r1",
  digest: A,
  createdAt: NOW,
  expiresAt: plus(NOW, durationMs(24 * HOUR)),
  status: "pending",
  statusReason: undefined,
  decidedAt: undefined,
  reviews: [],
};

/** One use, from now on for ten minutes. */
export const GRANT: Grant = {
  id: id("grant", uuid(20)),
  version: 1,
  requestId: PENDING.id,
  denialId: DENIAL.id,
  person: undefined,
  issuer: ISSUER,
  subject: "dana",
  actors: [],
  entitlement: ELEVATION.entitlement,
  scope: ELEVATION.scope,
  binding: { kind: "scope" },
  state: "active",
  uses: 0,
  maxUses: 1,
  notBefore: NOW,
  expiresAt: plus(NOW, durationMs(600_000)),
};

/** Agrees to `PENDING` as it is. */
export function vote(reviewer: Party, more: Partial<Vote> = {}): Vote {
  return {
    reviewId: id("review", uuid(30)),
    grantId: GRANT.id,
    reviewer,
    vote: "approve",
    narrowing: undefined,
    comment: undefined,
    digest: PENDING.digest,
    askingNow: [PENDING.requester],
    lapsed: new Set(),
    permitted: true,
    permittedByRevision: "sha256:2e0d",
    ...more,
  };
}
