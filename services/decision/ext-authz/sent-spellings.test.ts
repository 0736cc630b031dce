/** What goes upstream of a client's own headers beside what an allow sets or removes. Through both enforcers: test/integration/enforcer-contract.ts. */
import { expect, test } from "@jest/globals";
import { allowByPolicy, NO_RESPONSE_FIELDS, type ResponseFields } from "../../../core/domain/decision.ts";
import { evaluationOf } from "../../../test/samples/evaluation.ts";
import { checkResponse } from "./check-response.ts";
import { sentSpellings } from "./sent-spellings.ts";

const sending = (...names: readonly string[]) =>
  evaluationOf({ http: { headers: new Map(names.map((name) => [name, ["sam"]])) } });
const setting = (...names: readonly string[]): ResponseFields => ({
  ...NO_RESPONSE_FIELDS,
  headers: names.map((name) => [name, "dana"]),
});
const removing = (...names: readonly string[]): ResponseFields => ({
  ...NO_RESPONSE_FIELDS,
  requestHeadersToRemove: names,
});

const OTHERS = ["x_user-id", "x-user_id", "x.user.id", "x~user-id", "x|user'id"];

test.each([
  ["sets", setting("x-user-id")],
  ["sets, in capitals", setting("X-User-Id")],
  ["removes", removing("x-user-id")],
  ["removes, in capitals", removing("X-USER-ID")],
])("of what a policy %s every other spelling that the client sent is removed", (_how, response) => {
  expect(sentSpellings(sending("x-user-id", ...OTHERS, "x-user", "x-user-id2", "xuserid"), response)).toEqual(OTHERS);
});

test("nothing that the policy sets is removed, whatever it names beside it", () => {
  const response = { ...setting("x-user", "x.user"), requestHeadersToRemove: ["x_user"] };
  expect(sentSpellings(sending("x-user", "x.user", "x~user"), response)).toEqual(["x~user"]);
});

test("an answer to the client says nothing about what the client sent", () => {
  const response: ResponseFields = { ...NO_RESPONSE_FIELDS, responseHeadersToAdd: [["x-user", "dana"]] };
  expect(sentSpellings(sending("x.user"), response)).toEqual([]);
});

test("they are among what an allow removes, and what the policy set is not", () => {
  const decision = allowByPolicy({ kind: "allow", reasons: ["r"], response: setting("x-user") });
  const evaluated = { decision, subject: undefined, policyRevision: "r1" };
  const { httpResponse } = checkResponse(evaluated, sending("x-user", "x.user"), { requestUrl: undefined });
  if (httpResponse?.$case !== "okResponse") throw new Error("not allowed");
  expect(httpResponse.value.headersToRemove).toContain("x.user");
  expect(httpResponse.value.headersToRemove).not.toContain("x-user");
});
