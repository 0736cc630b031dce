/** A domain event on the wire: the `data` of its CloudEvent, with who caused it and what it belongs to. */
import type { DomainEvent } from "../domain/events.ts";
import type { Narrowing, Terms } from "../domain/narrowing.ts";
import { requirementParts } from "../domain/request-digest.ts";
import type { Limits } from "../domain/routing.ts";
import type { Json } from "../domain/subject.ts";
import { formatDuration, rfc3339 } from "../domain/time.ts";

export function dataToWire(event: DomainEvent): { readonly [key: string]: Json } {
  switch (event.type) {
    case "request.submitted": {
      const { data } = event;
      return {
        entitlement: data.entitlement,
        scope: data.scope,
        title: data.title,
        display: data.display.map((line) => ({ ...line })),
        risk: data.risk,
        justification: data.justification,
        requested: termsToWire(data.requested),
        routed_by_revision: data.routedByRevision ?? null,
        requirement: data.requirement === undefined ? null : requirementParts(data.requirement),
        limits: limitsToWire(data.limits),
        digest: data.digest,
        expires_at: rfc3339(data.expiresAt),
      };
    }
    case "review.recorded": {
      const { data } = event;
      return {
        review_id: data.reviewId,
        vote: data.vote,
        permitted_by_revision: data.permittedByRevision ?? null,
        narrowing: narrowingToWire(data.narrowing),
        comment: data.comment ?? null,
        digest: data.digest,
      };
    }
    case "review.refused":
      return { vote: event.data.vote, reason: event.data.reason };
    case "request.approved":
    case "request.denied":
    case "request.expired":
    case "request.cancelled":
    case "request.failed":
      return { reason: event.data.reason ?? null, reviewers: event.data.reviewers.map((person) => ({ ...person })) };
    case "grant.issued": {
      const { data } = event;
      return {
        person: data.person === undefined ? null : { ...data.person },
        issuer: data.issuer,
        subject: data.subject,
        // Left out for whom nobody acts: so it was before they counted.
        ...(data.actors.length === 0 ? {} : { actors: data.actors.map((actor) => ({ ...actor })) }),
        entitlement: data.entitlement,
        scope: data.scope,
        digest: data.digest ?? null,
        max_uses: data.maxUses,
        duration: formatDuration(data.duration),
        not_before: rfc3339(data.notBefore),
        expires_at: rfc3339(data.expiresAt),
        approved_by: data.approvedBy.map((person) => ({ ...person })),
      };
    }
    case "grant.used": {
      const { data } = event;
      return {
        redemption_id: data.redemptionId,
        uses: data.uses,
        max_uses: data.maxUses,
        entitlement: data.entitlement,
        scope: data.scope,
      };
    }
    case "grant.revoked":
    case "grant.expired":
      return { reason: event.data.reason ?? null };
    case "record.quarantined":
    case "record.dismissed":
      return { ...setAside(event.data), reason: event.data.reason };
    case "record.replayed":
      return { ...setAside(event.data), outcome: event.data.outcome, reason: event.data.reason ?? null };
    case "incident.opened": {
      const { incidentId, severity, scope, title } = event.data;
      return { incident_id: incidentId, severity, scope, title };
    }
    case "incident.closed":
      return { incident_id: event.data.incidentId, reason: event.data.reason ?? null };
  }
}

function setAside(
  data: Extract<DomainEvent, { type: "record.quarantined" | "record.replayed" | "record.dismissed" }>["data"],
) {
  const { quarantineId, topic, partition, offset } = data;
  return { quarantine_id: quarantineId, topic, partition, offset };
}

export function termsToWire(terms: Terms) {
  return {
    max_uses: terms.maxUses,
    duration: formatDuration(terms.duration),
    not_before: terms.notBefore === undefined ? null : rfc3339(terms.notBefore),
    ...(terms.notAfter === undefined ? {} : { not_after: rfc3339(terms.notAfter) }),
    binding: terms.binding,
  };
}

/** Each null where there is none. */
export function limitsToWire(limits: Limits | undefined) {
  if (limits === undefined) return null;
  const { maxUses, maxDuration } = limits;
  return {
    max_uses: maxUses ?? null,
    max_duration: maxDuration === undefined ? null : formatDuration(maxDuration),
  };
}

export function narrowingToWire(narrowing: Narrowing | undefined): Json {
  if (narrowing === undefined) return null;
  return {
    ...(narrowing.maxUses === undefined ? {} : { max_uses: narrowing.maxUses }),
    ...(narrowing.duration === undefined ? {} : { duration: formatDuration(narrowing.duration) }),
    ...(narrowing.notBefore === undefined ? {} : { not_before: rfc3339(narrowing.notBefore) }),
    ...(narrowing.binding === undefined ? {} : { binding: narrowing.binding }),
  };
}
