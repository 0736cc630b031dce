/**
 * From a denial to a request. The requester chooses one of the offers, gives a reason, and may ask for less than was offered; everything else is
 * copied from the denial. Nothing here can ask for more than the policy offered, and nobody can submit another person's denial (for them it does
 * not exist).
 */
import { unreachable } from "./app-error.ts";
import { type AccessRequest, end, isOwner, principalOf, type Requester } from "./access-request.ts";
import { approve } from "./approve.ts";
import type { Denial, Offer } from "./denial.ts";
import { defaultElevation } from "./elevation.ts";
import type { DomainEvent, Principal } from "./events.ts";
import type { Grant } from "./grant.ts";
import type { Digest, Id } from "./id.ts";
import { isWithin, MAX_START_IN, type Terms, windowOf } from "./narrowing.ts";
import { requestDigestParts } from "./request-digest.ts";
import { REQUEST_LIFETIME, type Routed } from "./routing.ts";
import type { Json, Party } from "./subject.ts";
import { type DurationMs, earlier, type Instant, plus } from "./time.ts";
import { visibleLength } from "./visible-text.ts";

/** What the requester asks for; whatever is undefined is taken as offered. */
export type Asked = {
  readonly entitlement: string | undefined;
  readonly scope: string | undefined;
  readonly justification: string;
  readonly maxUses: Terms["maxUses"] | undefined;
  readonly duration: DurationMs | undefined;
  readonly notBefore: Instant | undefined;
  /** A time, not a duration from approval on: who asks until two o'clock does not get it until three. */
  readonly notAfter?: Instant;
};

export type SubmitRefusal =
  | "unknown_denial" // also: somebody else's
  | "expired_denial"
  | "unknown_elevation"
  | "justification_required"
  | "exceeds_offer"
  | "not_bindable"
  | "no_person"; // a human approval needs a person to be given to

type Chosen =
  | { readonly kind: "chosen"; readonly offer: Offer; readonly justification: string; readonly requested: Terms }
  | { readonly kind: "refused"; readonly reason: SubmitRefusal };

/** Checks what is asked against what was offered. `party` is whoever submits; it must be the denied one. */
export function choose(denial: Denial, denied: Requester, party: Party, asked: Asked, now: Instant): Chosen {
  if (!isOwner(denied, party)) return refused("unknown_denial");
  if (now >= denial.expiresAt) return refused("expired_denial");
  const matching = denial.offers.filter(
    ({ elevation }) =>
      (asked.entitlement ?? elevation.entitlement) === elevation.entitlement &&
      (asked.scope ?? elevation.scope) === elevation.scope,
  );
  const elevation = defaultElevation(matching.map((offer) => offer.elevation));
  const offer = matching.find((one) => one.elevation === elevation);
  if (offer === undefined) return refused("unknown_elevation");

  const justification = asked.justification.trim();
  const { required, minLength } = offer.elevation.justification;
  if (required && visibleLength(justification) < Math.max(1, minLength)) return refused("justification_required");

  const offered: Terms = {
    maxUses: offer.elevation.maxUses,
    duration: offer.elevation.maxDuration,
    notBefore: undefined,
    binding: offer.elevation.binding,
  };
  const requested: Terms = {
    maxUses: asked.maxUses ?? offered.maxUses,
    duration: asked.duration ?? offered.duration,
    notBefore: asked.notBefore,
    ...(asked.notAfter === undefined ? {} : { notAfter: asked.notAfter }),
    binding: offered.binding,
  };
  const { from, until } = windowOf(requested, now);
  const tooLong = asked.notAfter !== undefined && asked.notAfter > plus(from, requested.duration);
  const tooLate = requested.notBefore !== undefined && requested.notBefore > plus(now, MAX_START_IN);
  if (!isWithin(requested, offered) || tooLate || tooLong || until <= from) return refused("exceeds_offer");
  if (requested.binding === "exact" && offer.binding.kind === "unbindable") return refused("not_bindable");
  return { kind: "chosen", offer, justification, requested };
}

function refused(reason: SubmitRefusal): Chosen {
  return { kind: "refused", reason };
}

/** The parts of a new request that exist before it is routed. */
type Draft = Pick<
  AccessRequest,
  | "id"
  | "denialId"
  | "key"
  | "requester"
  | "submittedBy"
  | "call"
  | "offer"
  | "justification"
  | "requested"
  | "policyRevision"
>;

type Submitted = {
  readonly kind: "submitted";
  readonly request: AccessRequest;
  readonly grant: Grant | undefined;
  readonly events: readonly DomainEvent[];
};

/**
 * Makes the request and, where routing has already decided, ends it. `digestOf` hashes `requestDigestParts`. A routing
 * fault is a request that ends `failed`: it is on record, and the next record is processed.
 */
export function submit(
  draft: Draft,
  routing: Routed,
  grantId: Id<"grant">,
  submittedBy: Party,
  now: Instant,
  digestOf: (parts: Json) => Digest,
): Submitted | { readonly kind: "refused"; readonly reason: SubmitRefusal } {
  if (routing.kind === "people" && draft.requester.person === undefined)
    return { kind: "refused", reason: "no_person" };
  const people = routing.kind === "people" ? routing : undefined;
  const requirement = people?.requirement;
  const limits = routing.kind === "failed" ? undefined : routing.limits;
  const escalation = people?.escalation;
  const request: AccessRequest = {
    ...draft,
    requirement,
    limits,
    notify: people?.notify ?? [],
    escalation: escalation && { at: plus(now, escalation.after), notify: escalation.notify },
    digest: digestOf(requestDigestParts(draft, { requirement, limits })),
    createdAt: now,
    // NB: past the end that was asked for nothing could be granted, and while it waits the same cannot be asked for anew.
    expiresAt: earlier(plus(now, people?.expiresIn ?? REQUEST_LIFETIME), draft.requested.notAfter),
    status: "pending",
    statusReason: undefined,
    decidedAt: undefined,
    reviews: [],
  };
  const submitted = submittedEvent(request, routing.revision, principalOf(submittedBy));
  switch (routing.kind) {
    case "people":
      return { kind: "submitted", request, grant: undefined, events: [submitted] };
    case "failed": {
      const ended = end(request, "failed", "routing_failed", ROUTER, now);
      return { kind: "submitted", request: ended.request, grant: undefined, events: [submitted, ...ended.events] };
    }
    case "automatic": {
      if (routing.decision === "deny") {
        const ended = end(request, "denied", routing.reason, ROUTER, now);
        return { kind: "submitted", request: ended.request, grant: undefined, events: [submitted, ...ended.events] };
      }
      const approved = approve(request, grantId, ROUTER, now, routing.reason);
      return {
        kind: "submitted",
        request: approved.request,
        grant: approved.grant,
        events: [submitted, ...approved.events],
      };
    }
    default:
      throw unreachable(routing satisfies never);
  }
}

const ROUTER: Principal = { kind: "service", name: "approval.route" };

function submittedEvent(request: AccessRequest, routedByRevision: string | undefined, by: Principal): DomainEvent {
  const { elevation } = request.offer;
  return {
    type: "request.submitted",
    by,
    denialId: request.denialId,
    requestId: request.id,
    grantId: undefined,
    policyRevision: request.policyRevision,
    data: {
      entitlement: elevation.entitlement,
      scope: elevation.scope,
      title: elevation.title,
      display: elevation.display,
      risk: elevation.risk,
      justification: request.justification,
      requested: request.requested,
      routedByRevision,
      requirement: request.requirement,
      limits: request.limits,
      digest: request.digest,
      expiresAt: request.expiresAt,
    },
  };
}
