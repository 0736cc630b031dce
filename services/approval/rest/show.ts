/** From the domain to the bodies of schema/. The only place that knows both. */
import type { AccessRequest } from "../../../core/domain/access-request.ts";
import { approvedBy } from "../../../core/domain/approved-by.ts";
import type { Denial, DeniedCall, OfferBinding } from "../../../core/domain/denial.ts";
import type { Grant } from "../../../core/domain/grant.ts";
import type { RecordedIncident } from "../../../core/domain/incident.ts";
import { requesterParts, requirementParts } from "../../../core/domain/request-digest.ts";
import { type ReviewerSet, reviewerSets } from "../../../core/domain/requirement.ts";
import { openSets } from "../../../core/domain/stages.ts";
import { rfc3339 } from "../../../core/domain/time.ts";
import type { Static } from "typebox";
import { limitsToWire, narrowingToWire, termsToWire } from "../../../core/messages/audit-data.ts";
import { callToWire } from "../../../core/messages/denial-record.ts";
import { elevationToWire } from "../../../core/messages/elevation-record.ts";
import { ENVELOPE_HEADERS } from "../../../core/messages/envelope.ts";
import { maskedKey, maskedKeyId } from "../../../core/messages/masked-payload.ts";
import type { AuditEntry, QuarantineLine } from "./ports.ts";
import type { AuditPage } from "./schema/audit.ts";
import type { DenialShown } from "./schema/denials.ts";
import type { GrantShown } from "./schema/grants.ts";
import type { IncidentShown } from "./schema/incidents.ts";
import type { QuarantinedShown } from "./schema/quarantine.ts";
import type { RequestShown } from "./schema/requests.ts";
import type { Approvers } from "./schema/reviews.ts";

export function showRequest(request: AccessRequest): Static<typeof RequestShown> {
  const { requester, submittedBy, requirement } = request;
  return {
    id: request.id,
    status: request.status,
    status_reason: request.statusReason ?? null,
    denial_id: request.denialId,
    digest: request.digest,
    requester: requesterParts(requester),
    submitted_by: submittedBy === undefined ? null : requesterParts(submittedBy),
    call: showCall(request.call),
    elevation: elevationToWire(request.offer.elevation),
    binding: showBinding(request.offer.binding),
    justification: request.justification,
    requested: termsToWire(request.requested),
    requirement: requirement === undefined ? null : requirementParts(requirement),
    limits: limitsToWire(request.limits),
    policy_revision: request.policyRevision,
    created_at: rfc3339(request.createdAt),
    expires_at: rfc3339(request.expiresAt),
    decided_at: request.decidedAt === undefined ? null : rfc3339(request.decidedAt),
    reviews: request.reviews.map((one) => ({
      id: one.id,
      reviewer: { ...one.reviewer.person },
      vote: one.vote,
      narrowing: narrowingToWire(one.narrowing),
      comment: one.comment ?? null,
      at: rfc3339(one.at),
    })),
  };
}

export function showGrant(grant: Grant): Static<typeof GrantShown> {
  const { binding } = grant;
  return {
    id: grant.id,
    request_id: grant.requestId,
    denial_id: grant.denialId,
    person: grant.person === undefined ? null : { ...grant.person },
    issuer: grant.issuer,
    subject: grant.subject,
    actors: grant.actors.map((actor) => ({ ...actor })),
    entitlement: grant.entitlement,
    scope: grant.scope,
    binding: {
      kind: binding.kind,
      bind_headers: binding.kind === "exact" ? [...binding.bindHeaders] : [],
    },
    state: grant.state,
    uses: grant.uses,
    max_uses: grant.maxUses,
    not_before: rfc3339(grant.notBefore),
    expires_at: rfc3339(grant.expiresAt),
  };
}

export function showIncident(incident: RecordedIncident): Static<typeof IncidentShown> {
  const { id, state, severity, scope, title, openedAt, closedAt } = incident;
  return {
    ...{ id, state, severity, scope, title },
    opened_at: rfc3339(openedAt),
    closed_at: closedAt === undefined ? null : rfc3339(closedAt),
  };
}

export function showDenial(denial: Denial): Static<typeof DenialShown> {
  return {
    id: denial.id,
    minted_at: rfc3339(denial.mintedAt),
    expires_at: rfc3339(denial.expiresAt),
    call: showCall(denial.call),
    elevations: denial.offers.map(({ elevation, binding }) => ({
      elevation: elevationToWire(elevation),
      binding: showBinding(binding),
    })),
    policy_revision: denial.policyRevision,
  };
}

export function showApprovers(request: AccessRequest): Static<typeof Approvers> {
  const { requirement } = request;
  return {
    requirement: requirement === undefined ? null : requirementParts(requirement),
    sets: (requirement === undefined ? [] : reviewerSets(requirement)).map(showSet),
    waiting_for: openSets(request).map(showSet),
    approved_by: approvedBy(request).map((person) => ({ ...person })),
  };
}

function showSet(set: ReviewerSet) {
  return set.kind === "group" ? { group: { realm: set.realm, name: set.group } } : { person: { ...set.person } };
}

export function showAuditPage(entries: readonly AuditEntry[], after: bigint): Static<typeof AuditPage> {
  return {
    items: entries.map(({ arrival, logId, index, event }) => ({
      sequence: arrival.toString(),
      log: logId,
      index: index.toString(),
      event,
    })),
    next: (entries.at(-1)?.arrival ?? after).toString(),
  };
}

export function showQuarantined({ record, ...one }: QuarantineLine): Static<typeof QuarantinedShown> {
  const keyId = record.headers.get(ENVELOPE_HEADERS.kid);
  const { lastTry } = one;
  return {
    id: one.id,
    topic: record.topic,
    partition: record.partition,
    offset: record.offset.toString(),
    key: maskedKey(record.key),
    // NB: written by whoever wrote the record.
    key_id: keyId === undefined ? null : maskedKeyId(Buffer.from(keyId).toString("utf8")),
    bytes: one.bytes ?? null,
    reason: record.reason,
    detail: record.detail,
    quarantined_at: rfc3339(one.quarantinedAt),
    taken_at: one.replayedAt === undefined ? null : rfc3339(one.replayedAt),
    dismissed_at: one.dismissed === undefined ? null : rfc3339(one.dismissed.at),
    dismissed_reason: one.dismissed?.reason ?? null,
    refused_replays: one.tries,
    last_refusal: lastTry === undefined ? null : { ...lastTry, at: rfc3339(lastTry.at) },
  };
}

/** NB: without hashes, as in bindings: they are unkeyed, so a short query or body could be guessed from one. */
function showCall(call: DeniedCall) {
  const { field_hashes: _, ...shown } = callToWire(call);
  return shown;
}

function showBinding(binding: OfferBinding) {
  return { unbindable: binding.kind === "digest" ? null : binding.reason };
}
