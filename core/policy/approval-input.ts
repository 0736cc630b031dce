/** The input documents of `approval.route` and `approval.may_review`: the request as it will stay, and who wants to vote. */
import type { RoutedRequest } from "../domain/access-request.ts";
import type { Party } from "../domain/subject.ts";
import { rfc3339 } from "../domain/time.ts";

export function createRouteInput(request: RoutedRequest): string {
  return JSON.stringify({ request: requestDocument(request) });
}

export function createMayReviewInput(request: RoutedRequest, reviewer: Party): string {
  return JSON.stringify({
    request: requestDocument(request),
    reviewer: {
      person: reviewer.person ?? null,
      issuer: reviewer.subject.issuer,
      subject: reviewer.subject.id,
      groups: reviewer.subject.groups,
      claims: reviewer.subject.claims,
      machine: reviewer.machine,
    },
  });
}

function requestDocument({ requester, subject, call, offer, justification, requested }: RoutedRequest): object {
  const { elevation } = offer;
  return {
    requester: {
      person: requester.person ?? null,
      issuer: requester.issuer,
      subject: requester.subject,
      actors: requester.actors,
      groups: subject.groups,
      claims: subject.claims,
    },
    call: { protocol: call.protocol, method: call.method, authority: call.authority, path: call.path },
    elevation: {
      entitlement: elevation.entitlement,
      scope: elevation.scope,
      title: elevation.title,
      risk: elevation.risk,
      binding: elevation.binding,
      display: elevation.display,
      max_uses: elevation.maxUses,
      max_duration_ms: elevation.maxDuration,
    },
    justification: justification.toWellFormed(),
    requested: {
      max_uses: requested.maxUses,
      duration_ms: requested.duration,
      not_before: requested.notBefore === undefined ? null : rfc3339(requested.notBefore),
      not_after: requested.notAfter === undefined ? null : rfc3339(requested.notAfter),
      binding: requested.binding,
    },
  };
}
