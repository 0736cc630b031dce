/**
 * One domain event of each type, made up, with nothing left out: from these the code makes the shapes that the committed examples are held
 * against. What a SIEM engineer builds on is thereby what the services write.
 */
import type { DomainEvent, EventType, Principal } from "../../core/domain/events.ts";
import { digest, id } from "../../core/domain/id.ts";
import { durationMs, instant } from "../../core/domain/time.ts";
import type { DecisionApproval } from "../../core/messages/audit-event.ts";

const AT = instant(1_795_478_400_000);
const DIGEST = digest("ab".repeat(32));
const PERSON = { realm: "example", id: "dana@example.com" };
const UUID = "01930000-0000-7000-8000-000000000001";

const account: Principal = {
  ...{ kind: "account", person: PERSON, issuer: "https://issuer.example", subject: "dana" },
  actors: [],
};
const service: Principal = { kind: "service", name: "service" };

const about = (by: Principal) => ({
  by,
  denialId: id("denial", UUID),
  requestId: id("request", UUID),
  grantId: id("grant", UUID),
  policyRevision: "revision",
});
const ended = (reason: string | undefined) => ({ reason, reviewers: [PERSON] });

export const SAMPLE_EVENTS: {
  readonly [Type in EventType]: Extract<DomainEvent, { readonly type: Type }> | DomainEvent;
} = {
  "request.submitted": {
    ...{ type: "request.submitted", ...about(account) },
    data: {
      ...{ entitlement: "e", scope: "s", title: "t", display: [{ label: "l", value: "v" }], risk: "high" },
      ...{ justification: "because", digest: DIGEST, expiresAt: AT, routedByRevision: "revision" },
      requested: { maxUses: 1, duration: durationMs(60_000), notBefore: AT, binding: "scope" },
      requirement: { kind: "one_from", set: { kind: "group", realm: "example", group: "managers" } },
      limits: { maxUses: 1, maxDuration: durationMs(60_000) },
    },
  },
  "review.recorded": {
    ...{ type: "review.recorded", ...about(account) },
    data: {
      ...{ reviewId: id("review", UUID), vote: "approve", comment: "yes", digest: DIGEST },
      permittedByRevision: "revision",
      narrowing: { maxUses: 1, duration: durationMs(60_000) },
    },
  },
  "review.refused": { type: "review.refused", ...about(account), data: { vote: "approve", reason: "is_requester" } },
  "request.approved": { type: "request.approved", ...about(account), data: ended(undefined) },
  "request.denied": { type: "request.denied", ...about(account), data: ended("no") },
  "request.cancelled": { type: "request.cancelled", ...about(account), data: ended("no") },
  "request.expired": { type: "request.expired", ...about(service), data: ended("no") },
  "request.failed": { type: "request.failed", ...about(service), data: ended("routing_failed") },
  "grant.issued": {
    ...{ type: "grant.issued", ...about(account) },
    data: {
      ...{ person: PERSON, issuer: "https://issuer.example", subject: "dana", actors: [] },
      ...{ entitlement: "e", scope: "s" },
      ...{ digest: DIGEST, maxUses: 1, duration: durationMs(60_000), notBefore: AT, expiresAt: AT },
      approvedBy: [PERSON],
    },
  },
  "grant.used": {
    ...{ type: "grant.used", ...about(account) },
    data: { redemptionId: id("decision", UUID), uses: 1, maxUses: 1, entitlement: "e", scope: "s" },
  },
  "grant.revoked": { type: "grant.revoked", ...about(account), data: { reason: "over" } },
  "grant.expired": { type: "grant.expired", ...about(service), data: { reason: undefined } },
  "record.quarantined": {
    ...{ type: "record.quarantined", ...about(service) },
    data: { quarantineId: id("quarantine", UUID), topic: "t", partition: 0, offset: "0", reason: "malformed" },
  },
  "record.replayed": {
    ...{ type: "record.replayed", ...about(account) },
    data: {
      ...{ quarantineId: id("quarantine", UUID), topic: "t", partition: 0, offset: "0" },
      ...{ outcome: "refused", reason: "malformed" },
    },
  },
  "incident.opened": {
    ...{ type: "incident.opened", ...about(account) },
    data: { incidentId: id("incident", UUID), severity: "high", scope: "orders", title: "t" },
  },
  "incident.closed": {
    ...{ type: "incident.closed", ...about(account) },
    data: { incidentId: id("incident", UUID), reason: "over" },
  },
  "record.dismissed": {
    ...{ type: "record.dismissed", ...about(account) },
    data: { quarantineId: id("quarantine", UUID), topic: "t", partition: 0, offset: "0", reason: "forged" },
  },
};

/** What the approval service says of a decision. */
export const SAMPLE_APPROVAL: DecisionApproval = {
  request_id: UUID,
  justification: "because",
  requester: { person: PERSON, issuer: "https://issuer.example", subject: "dana" },
  approved_by: [PERSON],
  grant_id: UUID,
};
