/**
 * Submits a denial: the denied person chooses one of its offers and gives a reason. The result is a new request (routed to people, decided at
 * once, or failed), the open request with the same key, or the grant that already covers this call. Routing happens before the transaction. What
 * it depends on cannot change meanwhile, since a denial is immutable; what can change (an open request, a grant, the time) is checked again under
 * the key's lock.
 */
import { type AccessRequest, expireRequest, requesterOf } from "../../../core/domain/access-request.ts";
import { sameCaller } from "../../../core/domain/actor-chain.ts";
import { AppError } from "../../../core/domain/app-error.ts";
import { covering } from "../../../core/domain/covers.ts";
import type { Denial, Offer } from "../../../core/domain/denial.ts";
import type { Grant } from "../../../core/domain/grant.ts";
import { type Window, windowOf } from "../../../core/domain/narrowing.ts";
import { plainText } from "../../../core/domain/plain-text.ts";
import { salted } from "../../../core/domain/request-digest.ts";
import { choose, submit } from "../../../core/domain/submit.ts";
import { earlier, type Instant } from "../../../core/domain/time.ts";
import type { Digests, Ids, People, Reads, Router, Transaction, Transactions } from "../ports.ts";
import type { SubmitOutcome, SubmitRequest } from "./ports.ts";

type Deps = {
  readonly reads: Pick<Reads, "denial" | "now">;
  readonly people: People;
  readonly router: Router;
  readonly digests: Digests;
  readonly ids: Ids;
  readonly store: Transactions;
};

export function createSubmitRequest({ reads, people, router, digests, ids, store }: Deps) {
  return async ({ denialId, by, asked, automatic, arriving, settle }: SubmitRequest): Promise<SubmitOutcome> => {
    const denial = (await reads.denial(denialId)) ?? arriving?.denial;
    if (denial === undefined) return { kind: "refused", reason: "unknown_denial" };
    const [party, denied] = await Promise.all([people.resolve(by), people.resolve(denial.subject)]);
    const requester = requesterOf(denied);
    const submitter = requesterOf(party);
    const submittedBy = sameCaller(submitter, requester) ? undefined : { ...submitter, account: party.subject };
    const wanted = { ...asked, justification: plainText(asked.justification) };
    const chosen = choose(denial, requester, party, wanted, await reads.now());
    if (chosen.kind === "refused") {
      if (arriving !== undefined) await store.transaction("replay", arriving.take);
      return chosen;
    }

    const { offer, justification, requested } = chosen;
    const { call, policyRevision } = denial;
    const { issuer, subject, actors } = requester;
    const { entitlement, scope } = offer.elevation;
    const digest = offer.binding.kind === "digest" ? offer.binding.digest : undefined;
    const key = digests.requestKey({ issuer, subject, actors, entitlement, scope, digest });
    // A transient routing fault matters only if a route is needed: not for an existing request or grant.
    const routing = await router
      .route({ requester, subject: denial.subject, call, offer, justification, requested })
      .catch((fault: unknown) => ({ kind: "unrouted", fault }) as const);

    return store.transaction(
      arriving === undefined ? "submit" : "replay",
      async (tx): Promise<SubmitOutcome> => {
        await arriving?.take(tx);
        await tx.requests.lockKey(key);
        const now = await tx.now();
        const again = choose(denial, requester, party, wanted, now); // it may have lapsed meanwhile
        if (again.kind === "refused") return again;
        if (automatic && !(await tx.denials.actOn(denialId))) {
          throw new AppError("conflict", "the denial was delivered twice at the same time");
        }
        const before = automatic ? await tx.requests.findOfDenial(denialId) : undefined;
        const existing = before ?? (await openRequest(tx, key, now));
        if (existing !== undefined) return { kind: "exists", request: existing };
        const window = windowOf(requested, now);
        const live = coveringGrant(denial, offer, await tx.grants.openFor(issuer, subject), { now, window }, digests);
        if (live !== undefined) return { kind: "already_granted", grant: live };
        if (routing.kind === "unrouted") throw routing.fault;

        const draft = {
          id: ids.fresh("request"),
          denialId,
          key,
          requester,
          submittedBy,
          call: salted(call, digests.salt()),
          offer,
          justification,
          requested,
          policyRevision,
        };
        const outcome = submit(draft, routing, ids.fresh("grant"), party, now, digests.ofJson);
        if (outcome.kind === "refused") return outcome;
        const { request, grant } = outcome;
        await tx.requests.insert(request);
        if (grant !== undefined) await tx.grants.insert(grant);
        await tx.outbox.append(outcome.events);
        await tx.notifications.append(
          request.status === "pending"
            ? { kind: "review_requested", request }
            : { kind: "request_ended", request, grant },
        );
        return { kind: "submitted", request, grant };
      },
      settle,
    );
  };
}

/** The pending request of this key. An overdue one is ended here, so that it does not block a new one. */
async function openRequest(
  tx: Transaction,
  key: AccessRequest["key"],
  now: Instant,
): Promise<AccessRequest | undefined> {
  const found = await tx.requests.findOpen(key);
  if (found === undefined || now < found.expiresAt) return found;
  const locked = await tx.requests.lock(found.id);
  const ended = locked === undefined ? undefined : expireRequest(locked, now);
  if (ended?.kind === "closed") {
    await tx.requests.save(ended.request);
    await tx.outbox.append(ended.events);
    await tx.notifications.append({ kind: "request_ended", request: ended.request, grant: undefined });
  }
  return undefined;
}

/**
 * A grant that covers this denied call under the chosen offer, by the decision service's own rule, at some time of what is asked for: one that
 * is to begin, or ends sooner than what is asked for begins, covers nothing of another time.
 */
function coveringGrant(
  denial: Denial,
  offer: Offer,
  grants: readonly Grant[],
  { now, window }: { readonly now: Instant; readonly window: Window },
  digests: Digests,
): Grant | undefined {
  const { issuer, id: subject, actors } = denial.subject;
  const covered = covering({
    account: { issuer, subject, actors },
    elevations: [offer.elevation],
    grants: grants
      .filter(({ notBefore, expiresAt }) => notBefore < window.until && window.from < expiresAt)
      .map((grant) => ({ ...grant, notBefore: earlier(grant.notBefore, now) })),
    at: { kind: "fresh", serverNow: now, databaseTime: now },
    digestOf: (bindHeaders) => digests.ofCall(denial.call, bindHeaders),
  });
  return covered.kind === "covered" ? grants.find(({ id }) => id === covered.candidates[0].grant.id) : undefined;
}
