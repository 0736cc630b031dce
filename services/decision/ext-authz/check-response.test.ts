import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { type Decision, deny, type NeedsApproval } from "../../../core/domain/decision.ts";
import { id } from "../../../core/domain/id.ts";
import { instant } from "../../../core/domain/time.ts";
import { ELEVATION } from "../../../test/samples/domain.ts";
import { CONNECTION, NEEDS_APPROVAL } from "../../../test/samples/evaluation.ts";
import { checkResponse } from "./check-response.ts";

const PAGE = join(import.meta.dirname, "../../../docs/problems-decision.md");
const needed: NeedsApproval = {
  ...NEEDS_APPROVAL,
  elevations: [{ ...ELEVATION, approversHint: "managers" }],
  denial: { id: id("denial", "01930000-0000-7000-8000-000000000001"), expiresAt: instant(900_000) },
  grantReason: "spent",
};

function problemOf(decision: Decision, requestUrl?: string): object {
  const evaluated = { decision, subject: undefined, policyRevision: "r" };
  const { httpResponse } = checkResponse(evaluated, CONNECTION, { requestUrl });
  if (httpResponse?.$case !== "deniedResponse") throw new Error("it is allowed");
  const problem: unknown = JSON.parse(httpResponse.value.body);
  return Object(problem);
}

test("the page names every member of an answer, and of what can be asked for", async () => {
  const page = await readFile(PAGE, "utf8");
  const full = problemOf({ ...needed, grantBegins: instant(0) }, "https://approvals.example");
  const { elevations } = { elevations: [], ...full };
  const members = [full, problemOf(deny("policy_denied", ["r"])), ...elevations].flatMap((one) => Object.keys(one));
  expect(members).toEqual(expect.arrayContaining(["denial_id", "request_url", "grant_reason", "bind_headers"]));
  expect(members.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

test("what is approved and has not begun says when it does, and what may be submitted is another time", () => {
  const problem = problemOf({ ...needed, grantReason: "not_yet_active", grantBegins: instant(1_795_478_400_000) });
  const begins = "2026-11-24T00:00:00.000Z";
  expect(problem).toMatchObject({ status: 403, grant_reason: "not_yet_active", grant_begins_at: begins });
  expect(Object.values(problem).join("\n")).toContain(`begins at ${begins}`);
  expect(Object.values(problem).join("\n")).not.toContain("countersign this request");
  expect(Object.values(problem).join("\n")).toContain("submit it for another time");
  expect(problemOf(needed)).not.toHaveProperty("grant_begins_at");
});

test("what is not known is left out: no denial of one too many, no address that is not configured, no hint, no grant", () => {
  const many = { ...needed, denial: undefined, tooManyDenials: { retryAfterMs: 1 }, grantReason: undefined };
  const problem = problemOf({ ...many, elevations: [{ ...ELEVATION, approversHint: undefined }] }, "https://a.example");
  for (const name of ["denial_id", "expires_at", "request_url", "approvers_hint", "grant_reason"]) {
    expect(problem).not.toHaveProperty(name);
  }
  expect(problemOf(needed)).not.toHaveProperty("request_url");
  expect(problem).toMatchObject({ type: "urn:countersign:problem:too_many_denials", outcome: "needs_approval" });
});
