import { expect, test } from "@jest/globals";
import type { Candidate } from "../../../core/domain/covers.ts";
import {
  type Allow,
  allowByGrant,
  allowByPolicy,
  type Decision,
  deny,
  NO_RESPONSE_FIELDS,
  type ResponseFields,
} from "../../../core/domain/decision.ts";
import { grantsFor, sampleCheck } from "../../../test/bench/check/sample-check.ts";
import { id } from "../../../core/domain/id.ts";
import { instant } from "../../../core/domain/time.ts";
import { CheckResponse } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import type { Evaluation } from "../ports.ts";
import { createAllowBytes } from "./allow-bytes.ts";
import { evaluationFrom } from "./check-request.ts";
import { checkResponse } from "./check-response.ts";
import { readCheck } from "./read-check.ts";
import { ELEVATION } from "../../../test/samples/domain.ts";

const options = { requestUrl: undefined };
const fields: ResponseFields = {
  headers: [["x-team", "orders"]],
  responseHeadersToAdd: [["x-a", "1"]],
  requestHeadersToRemove: ["x-secret"],
};
const subjectOf = (name: string, issuer = "https://a") => ({ issuer, id: name, groups: [], claims: {}, actors: [] });
const allowed = (response: ResponseFields) => allowByPolicy({ kind: "allow", reasons: ["r"], response });

/** NB: an account is a pair: what one issuer calls `dana` is not another's, and no two pairs read as one. */
const SUBJECTS = [
  ...[subjectOf("dana"), subjectOf("dana", "https://b"), subjectOf("max"), subjectOf("max", "https://b")],
  ...[subjectOf("dana countersign-issuer=9:https://b"), subjectOf("", "dana"), subjectOf("dana", ""), subjectOf("")],
  undefined,
];

function evaluationOf(last: string, header?: string): Evaluation {
  const decisionId = id("decision", `01930000-0000-7000-8000-00000000000${last}`);
  const { evaluation } = evaluationFrom(readCheck(sampleCheck("GET", "a.b.c")), decisionId);
  const { http } = evaluation.call;
  if (http === undefined || header === undefined) return evaluation;
  return { ...evaluation, call: { ...evaluation.call, http: { ...http, headers: new Map([[header, ["x"]]]) } } };
}

function allowedByGrant(): Decision {
  const [grant] = grantsFor(1, "https://a", instant(0));
  if (grant === undefined) throw new Error("no grant");
  const { entitlement, scope } = grant;
  const elevation = { ...ELEVATION, entitlement, scope };
  const candidate: Candidate = { elevation, grant, digest: undefined };
  return allowByGrant({ kind: "elevate", elevations: [elevation], response: fields }, { kind: "window", candidate });
}

test("each allow is to the byte what it would be without a pattern, in whatever order they come", () => {
  const allowBytes = createAllowBytes();
  const decisions = [
    allowed(fields),
    allowedByGrant(),
    allowed(NO_RESPONSE_FIELDS),
    allowed({ ...fields, headers: [] }),
  ];
  for (const last of ["1", "2", "3"]) {
    for (const subject of SUBJECTS) {
      for (const decision of decisions) {
        const evaluated = { decision, subject, policyRevision: "r" };
        const evaluation = evaluationOf(last);
        const bytes = allowBytes(evaluated, evaluation);
        const other = CheckResponse.encode(checkResponse(evaluated, evaluation, options)).finish();
        expect(bytes).toEqual(Buffer.from(other));
      }
    }
  }
});

test("an answer is its own: writing the next one does not change it", () => {
  const allowBytes = createAllowBytes();
  const evaluated = { decision: allowed(fields), subject: subjectOf("dana"), policyRevision: "r" };
  const first = allowBytes(evaluated, evaluationOf("1"));
  allowBytes(evaluated, evaluationOf("2"));
  expect(first?.toString("latin1")).toContain(evaluationOf("1").decisionId);
});

test.each<[string, Decision | Allow, Evaluation]>([
  ["a denial", deny("policy_denied"), evaluationOf("1")],
  ["what only looks like an allow", JSON.parse(JSON.stringify(allowed(fields))), evaluationOf("1")],
  ["a caller who sent a header of ours", allowed(fields), evaluationOf("1", "countersign_subject")],
  ["a caller who sent what the policy sets", allowed(fields), evaluationOf("1", "x.team")],
  ["a caller who sent what the policy removes", allowed(fields), evaluationOf("1", "x_secret")],
  [
    "a policy that says the id that stands for all",
    allowed({ ...fields, headers: [["x-id", "00000000-0000-7000-8000-000000000000"]] }),
    evaluationOf("1"),
  ],
])("%s is left to check-response.ts", (_what, decision, evaluation) => {
  const evaluated = { decision, subject: subjectOf("dana"), policyRevision: "r" };
  const allowBytes = createAllowBytes();
  expect(allowBytes(evaluated, evaluation)).toBeUndefined();
  expect(allowBytes(evaluated, evaluation)).toBeUndefined();
});
