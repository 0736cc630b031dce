/**
 * Writes who is to be notified of what. A body contains only what a reviewer may see anyway; whoever delivers it signs it. The row id is the
 * delivery's idempotency key.
 */
import type { AccessRequest } from "../../../core/domain/access-request.ts";
import type { Grant } from "../../../core/domain/grant.ts";
import { requesterParts } from "../../../core/domain/request-digest.ts";
import { setKey } from "../../../core/domain/requirement.ts";
import { openSets } from "../../../core/domain/stages.ts";
import type { Json } from "../../../core/domain/subject.ts";
import { termsToWire } from "../../../core/messages/audit-data.ts";
import { type Instant, rfc3339 } from "../../../core/domain/time.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import type { Notification } from "../ports.ts";
import type { EventSource } from "./outbox.ts";

export async function appendNotification(
  db: Queryable,
  notification: Notification,
  { traceparent }: Pick<EventSource, "traceparent">,
): Promise<void> {
  const { denialId } = notification.kind === "grant_revoked" ? notification.grant : notification.request;
  const here = traceparent?.();
  await db.query(
    `insert into notifications (kind, body, traceparent)
     values ($1, $2, coalesce($3, (select traceparent from denials where id = $4)))`,
    [
      notification.kind,
      JSON.stringify(bodyOf(notification)),
      here ?? null,
      traceparent !== undefined && here === undefined ? denialId : null,
    ],
  );
}

/** Deletes those of that age, delivered or not. */
export async function forgetNotifications(db: Queryable, before: Instant, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    `delete from notifications where id in (
       select id from notifications where created_at < $1 order by created_at limit $2 for update skip locked)`,
    [rfc3339(before), limit],
  );
  return rowCount ?? 0;
}

function bodyOf(notification: Notification): Json {
  const { kind } = notification;
  switch (kind) {
    case "review_requested":
      return { kind, notify: notification.request.notify, request: requestBody(notification.request) };
    case "review_escalated":
      return { kind, notify: notification.notify, request: requestBody(notification.request) };
    case "request_ended":
      return {
        kind,
        request: requestBody(notification.request),
        grant: notification.grant === undefined ? null : grantBody(notification.grant),
      };
    case "grant_revoked":
      return { kind, grant: grantBody(notification.grant) };
  }
}

function requestBody(request: AccessRequest): Json {
  const { elevation } = request.offer;
  return {
    id: request.id,
    denial_id: request.denialId,
    status: request.status,
    status_reason: request.statusReason ?? null,
    // Of at most 4,000 characters, as REST takes it.
    comment: request.reviews.find(({ vote }) => vote === "deny")?.comment ?? null,
    requester: requesterParts(request.requester),
    submitted_by: request.submittedBy === undefined ? null : requesterParts(request.submittedBy),
    entitlement: elevation.entitlement,
    scope: elevation.scope,
    title: elevation.title,
    display: elevation.display.map((line) => ({ ...line })),
    risk: elevation.risk,
    justification: request.justification,
    requested: termsToWire(request.requested),
    // Those whose turn it is; nobody if the request has ended.
    reviewers: openSets(request).map(setKey),
    digest: request.digest,
    created_at: rfc3339(request.createdAt),
    expires_at: rfc3339(request.expiresAt),
  };
}

function grantBody(grant: Grant): Json {
  return {
    id: grant.id,
    request_id: grant.requestId,
    state: grant.state,
    entitlement: grant.entitlement,
    scope: grant.scope,
    actors: grant.actors.map((actor) => ({ ...actor })),
    max_uses: grant.maxUses,
    not_before: rfc3339(grant.notBefore),
    expires_at: rfc3339(grant.expiresAt),
  };
}
