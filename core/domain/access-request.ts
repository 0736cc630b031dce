/**
 * An access request and its life: `pending → approved | denied | expired | cancelled | failed`, each of the five final. It is immutable except
 * for its reviews and its end (rule 6): requester, call, chosen elevation, terms, requirement and policy revision are copied in when it is made,
 * and the request digest covers them all. State in, state and events out; the caller holds the row lock and the transaction, this file holds the
 * rules.
 */
import { sameAccount } from "./actor-chain.ts";
import { AppError } from "./app-error.ts";
import type { DeniedCall, Offer } from "./denial.ts";
import { type DomainEvent, type Principal, SWEEPER } from "./events.ts";
import type { Digest, Id } from "./id.ts";
import type { Narrowing, Terms } from "./narrowing.ts";
import type { Requirement, Reviewer } from "./requirement.ts";
import type { Limits } from "./routing.ts";
import { type Party, type Person, samePerson, type Subject } from "./subject.ts";
import type { Instant } from "./time.ts";

export type RequestStatus = "pending" | "approved" | "denied" | "expired" | "cancelled" | "failed";

/** The account that was denied, the person behind it, and everybody who acts in its name. */
export type Requester = {
  readonly person: Person | undefined;
  readonly actorPersons: readonly Person[];
  readonly issuer: string;
  readonly subject: string;
  readonly actors: Party["subject"]["actors"];
};

export function requesterOf({ subject, person, actorPersons }: Party): Requester {
  return { person, actorPersons, issuer: subject.issuer, subject: subject.id, actors: subject.actors };
}

/** `account`: as its token showed it, for it is looked at again at each vote; none where an earlier version of the service took the request. */
export type Submitter = Requester & { readonly account?: Subject };

/** One person's vote. Append-only; unique per (request, person). */
export type Review = {
  readonly id: Id<"review">;
  readonly reviewer: Reviewer;
  /** The account that voted, as its token showed it: looked at again when the grant is issued. */
  readonly account: Subject;
  readonly vote: "approve" | "deny";
  readonly narrowing: Narrowing | undefined;
  readonly comment: string | undefined;
  readonly at: Instant;
};

export type AccessRequest = {
  readonly id: Id<"request">;
  readonly denialId: Id<"denial">;
  readonly key: Digest;
  readonly requester: Requester;
  /** Whoever submitted it, when that was not the requester, in person or through the same chain. */
  readonly submittedBy: Submitter | undefined;
  readonly call: DeniedCall;
  readonly offer: Offer;
  readonly justification: string;
  readonly requested: Terms;
  /** Undefined when routing decided at once or failed: then nobody has to agree. */
  readonly requirement: Requirement | undefined;
  /** The most that routing lets be granted. */
  readonly limits: Limits | undefined;
  /** Who is notified that it waits, beside its reviewers. */
  readonly notify: readonly string[];
  /** Who is notified, and when, if it still waits then. Undefined once they were. */
  readonly escalation: { readonly at: Instant; readonly notify: readonly string[] } | undefined;
  readonly policyRevision: string;
  readonly digest: Digest;
  readonly createdAt: Instant;
  readonly expiresAt: Instant;
  readonly status: RequestStatus;
  readonly statusReason: string | undefined;
  readonly decidedAt: Instant | undefined;
  readonly reviews: readonly Review[];
  /** The approvals that stood when its grant was issued. None before that, nor where an earlier version of the service issued it (approved-by.ts). */
  readonly counted?: readonly Id<"review">[];
};

export type Asking = Pick<AccessRequest, "requester" | "submittedBy">;

/** A request as policies see it, before (route) or after (may_review) it is made. */
export type RoutedRequest = Pick<AccessRequest, "requester" | "call" | "offer" | "justification" | "requested"> & {
  /** The denied account, with the groups and claims that its token had. */
  readonly subject: Subject;
};

/**
 * The requester, any other account of that person, whoever acts for them, and whoever they act for. NB: by account as well as by person, since
 * an `act` usually holds nothing that a person could be known by.
 */
export function isRequester(requester: Requester, party: Party): boolean {
  const accounts = [{ issuer: requester.issuer, id: requester.subject }, ...requester.actors];
  const shown = [party.subject, ...party.subject.actors];
  if (accounts.some((one) => shown.some((other) => sameAccount(one, other)))) return true;
  const asking = [requester.person, ...requester.actorPersons].filter((one) => one !== undefined);
  const reviewing = [party.person, ...party.actorPersons].filter((one) => one !== undefined);
  return asking.some((one) => reviewing.some((other) => samePerson(one, other)));
}

/** Whether this party stands on the side that asks: as, or behind, the requester or whoever submitted in their name. */
export function hasAsked({ requester, submittedBy }: Asking, party: Party): boolean {
  return isRequester(requester, party) || (submittedBy !== undefined && isRequester(submittedBy, party));
}

/**
 * The denied account itself, or another account of the same person. NB: narrower than `isRequester` on purpose. That one
 * refuses, and so takes in whoever stands behind an agent; this one permits, and two people who share an agent are not
 * each other.
 */
export function isOwner(requester: Requester, party: Party): boolean {
  if (party.subject.issuer === requester.issuer && party.subject.id === requester.subject) return true;
  if (requester.person === undefined || party.person === undefined) return false;
  return samePerson(requester.person, party.person);
}

type Closed = {
  readonly kind: "closed";
  readonly request: AccessRequest;
  readonly events: readonly DomainEvent[];
};
type CloseRefused = { readonly kind: "refused"; readonly reason: "not_pending" | "not_requester" | "not_yet" };

/** The requester takes it back. Any account of the same person may. */
export function cancel(
  request: AccessRequest,
  party: Party,
  reason: string | undefined,
  now: Instant,
): Closed | CloseRefused {
  if (!isOwner(request.requester, party)) return { kind: "refused", reason: "not_requester" };
  if (request.status !== "pending") return { kind: "refused", reason: "not_pending" };
  return { kind: "closed", ...end(request, "cancelled", reason, principalOf(party), now) };
}

/** Nobody decided in time. */
export function expireRequest(request: AccessRequest, now: Instant): Closed | CloseRefused {
  if (request.status !== "pending") return { kind: "refused", reason: "not_pending" };
  if (now < request.expiresAt) return { kind: "refused", reason: "not_yet" };
  return { kind: "closed", ...end(request, "expired", "nobody_decided", SWEEPER, now) };
}

type Escalated = {
  readonly kind: "escalated";
  readonly request: AccessRequest;
  readonly notify: readonly string[];
};

/** It has waited long: others are notified, once. Who may decide does not change. */
export function escalate(request: AccessRequest, now: Instant): Escalated | { readonly kind: "nothing_to_do" } {
  const { status, escalation } = request;
  if (status !== "pending" || escalation === undefined || now < escalation.at || now >= request.expiresAt)
    return { kind: "nothing_to_do" };
  return { kind: "escalated", request: { ...request, escalation: undefined }, notify: escalation.notify };
}

/** The one way out of `pending`. @throws AppError internal when the request has ended before: no end is followed by another. */
export function end(
  request: AccessRequest,
  status: Exclude<RequestStatus, "pending">,
  reason: string | undefined,
  by: Principal,
  now: Instant,
): { readonly request: AccessRequest; readonly events: readonly DomainEvent[] } {
  if (request.status !== "pending") throw new AppError("internal", "a request ends once");
  const reviewers = request.reviews.map((one) => one.reviewer.person);
  return {
    request: { ...request, status, statusReason: reason, decidedAt: now },
    events: [{ ...about(request, by), type: `request.${status}`, data: { reason, reviewers } }],
  };
}

export function principalOf(party: Party): Principal {
  const { issuer, id, actors } = party.subject;
  return { kind: "account", person: party.person, issuer, subject: id, actors };
}

/** What every event of a request refers to. */
export function about(request: AccessRequest, by: Principal) {
  const { id, denialId, policyRevision } = request;
  return { by, denialId, requestId: id, grantId: undefined, policyRevision } as const;
}
