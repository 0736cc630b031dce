/** What the command adds to the domain's rules: the policy can only refuse, and earlier votes are looked at once more. */
import { expect, test } from "@jest/globals";
import type { AccessRequest, Submitter } from "../../../core/domain/access-request.ts";
import type { DomainEvent } from "../../../core/domain/events.ts";
import { type Id, id, type IdKind } from "../../../core/domain/id.ts";
import type { Requirement } from "../../../core/domain/requirement.ts";
import type { Subject } from "../../../core/domain/subject.ts";
import type { Ids, Permission, Transaction } from "../ports.ts";
import { createReviewRequest } from "./review-request.ts";
import { anyOf, DENIAL, ISSUER, NOW, PENDING } from "../../../test/samples/domain.ts";

const managers = anyOf("managers");
const account = (name: string): Subject => ({
  ...{ issuer: ISSUER, id: name, groups: ["managers"], claims: {}, actors: [] },
});

/** A store of one request. */
function approvalOf(
  requirement: Requirement,
  mayReview: (reviewer: string) => "allowed" | "refused",
  personOf: (account: string) => string = (account) => account,
  submittedBy?: Submitter,
) {
  let request: AccessRequest = { ...PENDING, requirement, submittedBy };
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
    mayReview: (_request, { subject }) => Promise.resolve({ kind: mayReview(subject.id), revision: "sha256:2e0d" }),
  };
  const command = createReviewRequest({
    reads: { request: () => Promise.resolve(request), denial: () => Promise.resolve(DENIAL) },
    people: {
      resolve: (subject) =>
        Promise.resolve({
          subject,
          person: { realm: "corp", id: personOf(subject.id) },
          actorPersons: [],
          machine: false,
        }),
    },
    permission,
    ids,
    store: { transaction: (_name, work) => work(tx) },
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
    expect(await approve("dana")).toEqual({ kind: "refused", reason: "is_requester" });
    expect(state()).toMatchObject({ status: "pending", reviews: 0, granted: 0 });
    expect(state().events).toMatchObject([{ type: "review.refused", data: { reason: "is_requester" } }]);
  }
});

test("whoever the requester turns out to be since it was submitted is refused, and an earlier approval of theirs counts for nothing", async () => {
  const people = new Map<string, string>();
  const nowOf = (account: string) => people.get(account) ?? account;
  const two: Requirement = { kind: "n_of", n: 2, of: [managers, managers] };
  const { approve, state } = approvalOf(two, () => "allowed", nowOf);
  await approve("max");
  people.set("dana", "mia");
  expect(await approve("mia")).toEqual({ kind: "refused", reason: "is_requester" });
  people.set("dana", "max");
  expect(await approve("mia")).toMatchObject({ kind: "reviewed", grant: undefined });
  expect(state()).toMatchObject({ status: "failed", granted: 0 });
});

test("whoever submitted it in the requester's name is mapped anew as well: who they turn out to be is refused, and an earlier approval of theirs counts for nothing", async () => {
  const people = new Map([["sara", "dana"]]);
  const nowOf = (name: string) => people.get(name) ?? name;
  const two: Requirement = { kind: "n_of", n: 2, of: [managers, managers] };
  const sara = { ...PENDING.requester, subject: "sara", account: account("sara") };
  const { approve, state } = approvalOf(two, () => "allowed", nowOf, sara);
  expect(await approve("max")).toMatchObject({ kind: "reviewed" });
  people.set("sara", "mia");
  expect(await approve("mia")).toEqual({ kind: "refused", reason: "is_requester" });
  people.set("sara", "max");
  expect(await approve("mia")).toMatchObject({ kind: "reviewed", grant: undefined });
  expect(state()).toMatchObject({ status: "failed", granted: 0 });
});

test("of whose account nothing was kept but its name is mapped by that", async () => {
  const people = new Map([["sara", "dana"]]);
  const sara = { ...PENDING.requester, subject: "sara" };
  const { approve, state } = approvalOf(
    managers,
    () => "allowed",
    (name) => people.get(name) ?? name,
    sara,
  );
  people.set("sara", "mia");
  expect(await approve("mia")).toEqual({ kind: "refused", reason: "is_requester" });
  expect(state()).toMatchObject({ status: "pending", granted: 0 });
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
