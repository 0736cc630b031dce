/**
 * From an approved request to its grant: what all approvers agreed to, within the limits of its routing, starting now or at the agreed later
 * time. Reached only by reviews that satisfy the requirement, or by a routing policy that decided at once.
 */
import { about, type AccessRequest, end, type Review } from "./access-request.ts";
import { AppError } from "./app-error.ts";
import type { Offer } from "./denial.ts";
import type { DomainEvent, Principal } from "./events.ts";
import type { Grant, GrantBinding } from "./grant.ts";
import type { Id } from "./id.ts";
import { agreed, type Bounded, narrow, type Terms } from "./narrowing.ts";
import { within } from "./routing.ts";
import { type Instant, plus } from "./time.ts";

type Approved = {
  readonly kind: "approved";
  readonly request: AccessRequest;
  readonly grant: Grant;
  readonly events: readonly DomainEvent[];
};

/**
 * What everybody who approved agreed to, were the request approved now; without a vote, what was asked. Undefined when
 * two of them left no moment in common.
 */
export function agreedBy(request: AccessRequest, now: Instant): Bounded | undefined {
  const [first, ...rest] = approvalsOf(request.reviews).map((one) => withLess(request, one));
  return agreed(first === undefined ? [request.requested] : [first, ...rest], now);
}

/**
 * Ends a request with a grant that allows what was agreed. Only reviews that stand are named as its approvals; the others still narrow it.
 * @throws AppError internal when `agreedBy` says nothing was.
 */
export function approve(
  request: AccessRequest,
  grantId: Id<"grant">,
  by: Principal,
  now: Instant,
  reason: string | undefined,
  standing: readonly Review[] = request.reviews,
): Approved {
  const agreedTerms = agreedBy(request, now);
  if (agreedTerms === undefined) throw new AppError("internal", "an approval of which nothing is left");
  const terms = within(agreedTerms, request.limits);
  const ended = end(request, "approved", reason, by, now);
  const grant = issue(ended.request, grantId, terms, now);
  const counted = approvalsOf(standing);
  const issued: DomainEvent = {
    ...about(request, by),
    type: "grant.issued",
    grantId,
    data: {
      person: grant.person,
      issuer: grant.issuer,
      subject: grant.subject,
      actors: grant.actors,
      entitlement: grant.entitlement,
      scope: grant.scope,
      digest: grant.binding.kind === "exact" ? grant.binding.digest : undefined,
      maxUses: grant.maxUses,
      duration: terms.duration,
      notBefore: grant.notBefore,
      expiresAt: grant.expiresAt,
      approvedBy: counted.map((one) => one.reviewer.person),
    },
  };
  const approved = { ...ended.request, counted: counted.map((one) => one.id) };
  return { kind: "approved", request: approved, grant, events: [...ended.events, issued] };
}

function approvalsOf(reviews: readonly Review[]): readonly Review[] {
  return reviews.filter((one) => one.vote === "approve");
}

function withLess(request: AccessRequest, one: Review): Terms {
  const narrowed = narrow(request.requested, one.narrowing ?? {}, request.offer.binding);
  // A recorded review was accepted with this very narrowing; were it ever refused here, it would not widen anything.
  return narrowed.kind === "narrowed" ? narrowed.terms : request.requested;
}

function issue(request: AccessRequest, grantId: Id<"grant">, terms: Bounded, now: Instant): Grant {
  const { notBefore } = terms;
  const { elevation } = request.offer;
  return {
    id: grantId,
    version: 1,
    requestId: request.id,
    denialId: request.denialId,
    person: request.requester.person,
    issuer: request.requester.issuer,
    subject: request.requester.subject,
    actors: request.requester.actors,
    entitlement: elevation.entitlement,
    scope: elevation.scope,
    binding: terms.binding === "exact" ? exactly(request.offer) : { kind: "scope" },
    state: notBefore > now ? "scheduled" : "active",
    uses: 0,
    maxUses: terms.maxUses,
    notBefore,
    expiresAt: plus(notBefore, terms.duration),
  };
}

/** NB: an exact grant without a digest would be a grant on scope; submit and narrow refuse it, and this makes sure. */
function exactly({ elevation, binding }: Offer): GrantBinding {
  if (binding.kind === "unbindable") throw new AppError("internal", "an exact grant needs a digest");
  return { kind: "exact", digest: binding.digest, bindHeaders: elevation.bindHeaders };
}
