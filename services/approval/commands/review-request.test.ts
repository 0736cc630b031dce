/** What the command adds to the domain's rules: the policy can only refuse, and earlier votes are looked at once more. */
import { expect, test } from "@jest/globals";
import type { AccessRequest } from "../../../core/domain/access-request.ts";
import type { Denial } from "../../../core/domain/denial.ts";
import type { DomainEvent } from "../../../core/domain/events.ts";
import { digest, type Id, id, type IdKind } from "../../../core/domain/id.ts";
import type { Requirement } from "../../../core/domain/requirement.ts";
import type { Subject } from "../../../core/domain/subject.ts";
import { durationMs, instant, plus } from "../../../core/domain/time.ts";
import type { Ids, Permission, Transaction } from "../ports.ts";
import { createReviewRequest } from "./review-request.ts";

const NOW = instant(1_795_478_400_000);
const A = digest("a".repeat(64));
const denial: Denial = {
  id: id("denial", "01930000-0000-7000-8000-000000000001"),
  key: A,
  decisionId: id("decision", "01930000-0000-7000-8000-000000000002"),
  mintedAt: NOW,
  expiresAt: plus(NOW, durationMs(900_000)),
  subject: { issuer: "https://issuer.example", id: "dana", groups: ["managers"], claims: {}, actors: [] },
  call: {
    ...{ protocol: "http", method: "DELETE", authority: "o", path: "/orders/42", maskedQuery: "", bodyBytes: 0 },
    ...{ fieldHashes: {}, sourceAddress: undefined },
  },
  offers: [
    {
      elevation: {
        ...{ entitlement: "orders-delete", scope: "order/42", title: "Delete an order", display: [], risk: "high" },
        ...{ approversHint: undefined, binding: "scope", bindHeaders: [], maxUses: 5 },
        maxDuration: durationMs(3_600_000),
        justification: { required: true, minLength: 10 },
      },
      binding: { kind: "digest", digest: A },
    },
  ],
  ...{ policyRevision: "r1", justification: undefined, traceparent: undefined },
};
const managers: Requirement = { kind: "one_from", set: { kind: "group", realm: "corp", group: "managers" } };
const account = (name: string): Subject => ({
  ...{ issuer: denial.subject.issuer, id: name, groups: ["managers"], claims: {}, actors: [] },
});

function pending(requirement: Requirement): AccessRequest {
  const [offer] = denial.offers;
  return {
    id: id("request", "01930000-0000-7000-8000-00000000000a"),
    denialId: denial.id,
    key: denial.key,
    requester: {
      person: { realm: "corp", id: denial.subject.id },
      ...{ actorPersons: [], issuer: denial.subject.issuer, subject: denial.subject.id, actors: [] },
    },
    call: denial.call,
    offer,
    justification: "the customer cancelled it",
    requested: { maxUses: 1, duration: offer.elevation.maxDuration, notBefore: undefined, binding: "scope" },
    requirement,
    ...{ limits: undefined, notify: [], escalation: undefined, policyRevision: denial.policyRevision },
    digest: denial.key,
    createdAt: NOW,
    expiresAt: plus(NOW, durationMs(3_600_000)),
    ...{ status: "pending", statusReason: undefined, decidedAt: undefined, reviews: [] },
  };
}

/** A store of one request. */
function approvalOf(requirement: Requirement, mayReview: (reviewer: string) => "allowed" | "refused") {
  let request = pending(requirement);
  let granted = 0;
  const events: DomainEvent[] = [];
  let last = 100;
  const ids: Ids = {
    fresh: <Kind extends IdKind>(kind: Kind): Id<Kind> =>
      id(kind, `01930000-0000-7000-8000-${String((last += 1)).padStart(12, "0")}`),
  };
  const tx: Transaction = Object.assign(Object.create(null), {
    now: () => Promise.resolve(NOW),
    requests: {
      lock: () => Promise.resolve(request),
      save(after: AccessRequest) {
        request = after;
        return Promise.resolve();
      },
    },
    reviews: { insert: () => Promise.resolve() },
    grants: {
      insert() {
        granted += 1;
        return Promise.resolve();
      },
    },
    outbox: {
      append(more: readonly DomainEvent[]) {
        events.push(...more);
        return Promise.resolve();
      },
    },
    notifications: { append: () => Promise.resolve() },
  });
  const permission: Permission = {
    mayReview: (_request, { subject }) => Promise.resolve(mayReview(subject.id)),
  };
  const command = createReviewRequest({
    reads: { request: () => Promise.resolve(request), denial: () => Promise.resolve(denial) },
    people: {
      resolve: (subject) =>
        Promise.resolve({ subject, person: { realm: "corp", id: subject.id }, actorPersons: [], machine: false }),
    },
    permission,
    ids,
    store: { transaction: (work) => work(tx) },
  });
  const approve = (name: string) =>
    command({
      ...{ requestId: request.id, reviewer: account(name), vote: "approve", digest: request.digest },
      ...{ narrowing: undefined, comment: undefined },
    });
  return { approve, state: () => ({ status: request.status, reviews: request.reviews.length, granted, events }) };
}

test("a reviewer whom the domain would take and the policy refuses leaves nothing but the record of it", async () => {
  const { approve, state } = approvalOf(managers, () => "refused");
  expect(await approve("max")).toEqual({ kind: "refused", reason: "policy_refused" });
  expect(state()).toMatchObject({ status: "pending", reviews: 0, granted: 0 });
  expect(state().events).toMatchObject([{ type: "review.refused", data: { reason: "policy_refused" } }]);
});

test("a policy that allows everybody does not let the requester review, and the record names the domain's rule", async () => {
  for (const answer of ["allowed", "refused"] as const) {
    const { approve, state } = approvalOf(managers, () => answer);
    expect(await approve(denial.subject.id)).toEqual({ kind: "refused", reason: "is_requester" });
    expect(state()).toMatchObject({ status: "pending", reviews: 0, granted: 0 });
    expect(state().events).toMatchObject([{ type: "review.refused", data: { reason: "is_requester" } }]);
  }
});

test("an earlier approval that the policy would refuse by now grants nothing: the request ends as superseded", async () => {
  let refused: readonly string[] = [];
  const { approve, state } = approvalOf({ kind: "n_of", n: 2, of: [managers, managers] }, (reviewer) =>
    refused.includes(reviewer) ? "refused" : "allowed",
  );
  expect((await approve("max")).kind).toBe("reviewed");
  refused = ["max"];
  expect(await approve("mia")).toMatchObject({ kind: "reviewed", grant: undefined });
  expect(state()).toMatchObject({ status: "failed", reviews: 2, granted: 0 });
});

test("with the policy's leave two managers make one grant", async () => {
  const { approve, state } = approvalOf({ kind: "n_of", n: 2, of: [managers, managers] }, () => "allowed");
  await approve("max");
  expect(state()).toMatchObject({ status: "pending", granted: 0 });
  await approve("mia");
  expect(state()).toMatchObject({ status: "approved", reviews: 2, granted: 1 });
});
