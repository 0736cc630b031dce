/** Who is named as having approved: whoever was counted, and nobody whose vote had lapsed. */
import { describe, expect, test } from "@jest/globals";
import { anyOf, NOW, party, PENDING, uuid } from "../../test/samples/domain.ts";
import type { AccessRequest, Review } from "./access-request.ts";
import { approvedBy } from "./approved-by.ts";
import { id } from "./id.ts";
import type { Requirement } from "./requirement.ts";

const TWO: Requirement = { kind: "n_of", n: 2, of: [anyOf("managers"), anyOf("managers")] };
const TWO_OR_SECURITY: Requirement = { kind: "any_of", of: [TWO, anyOf("security")] };

function reviewed(n: number, name: string, group: string, vote: Review["vote"] = "approve"): Review {
  return {
    ...{ id: id("review", uuid(n)), vote, narrowing: undefined, comment: undefined, at: NOW },
    ...{ reviewer: { person: { realm: "corp", id: name }, groups: [group] }, account: party(name, name).subject },
  };
}

const max = reviewed(41, "max", "managers");
const mia = reviewed(42, "mia", "managers");
const sam = reviewed(43, "sam", "security");

const names = (request: Partial<AccessRequest>) => approvedBy({ ...PENDING, ...request }).map((person) => person.id);

test("one whose vote had lapsed when the grant was issued is not named", () => {
  const request = { status: "approved", requirement: TWO_OR_SECURITY, reviews: [max, sam] } as const;
  expect(names({ ...request, counted: [sam.id] })).toEqual(["sam"]);
  expect(names({ ...request, counted: [max.id, sam.id] })).toEqual(["max", "sam"]);
});

describe("where it was not kept who stood", () => {
  test("nobody is named without whom the grant could have been issued", () => {
    expect(names({ status: "approved", requirement: TWO_OR_SECURITY, reviews: [max, sam] })).toEqual(["sam"]);
  });

  test("everybody is named who was needed", () => {
    expect(names({ status: "approved", requirement: TWO, reviews: [max, mia] })).toEqual(["max", "mia"]);
    expect(names({ status: "approved", requirement: TWO_OR_SECURITY, reviews: [max, mia] })).toEqual(["max", "mia"]);
    expect(names({ status: "approved", requirement: anyOf("managers"), reviews: [max] })).toEqual(["max"]);
  });
});

test("nobody has approved what came to nothing, or what a policy decided", () => {
  for (const status of ["denied", "expired", "cancelled", "failed"] as const)
    expect([status, names({ status, requirement: TWO, reviews: [max] })]).toEqual([status, []]);
  expect(names({ status: "approved", requirement: undefined, reviews: [], counted: [] })).toEqual([]);
});

test("of a request that waits, those are named who have approved so far", () => {
  expect(names({ requirement: TWO, reviews: [max] })).toEqual(["max"]);
});
