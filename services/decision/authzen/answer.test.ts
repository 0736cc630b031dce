import { expect, test } from "@jest/globals";
import type { NeedsApproval } from "../../../core/domain/decision.ts";
import { instant, rfc3339 } from "../../../core/domain/time.ts";
import { GRANT } from "../../../test/samples/domain.ts";
import { DENIED_BY_API, NEEDS_APPROVAL } from "../../../test/samples/evaluation.ts";
import { shownDecision } from "./answer.ts";

const { time } = DENIED_BY_API;
const { issuer, subject: account } = GRANT;
const approval = { id: GRANT.id, until: undefined, hasState: false };
const subject = { issuer, id: account, groups: [], claims: {}, actors: [] };

function contextOf(decision: NeedsApproval, standing: "not_yet" | "ended" = "not_yet"): object {
  const parts = { requestUrl: undefined, accessRequests: undefined, grants: { standing: () => standing } };
  return { ...shownDecision({ ...DENIED_BY_API, decision, subject }, parts, approval).context };
}

test.each([
  [3_600_000, 3_600],
  [1_001, 2],
  [1_000, 1],
  [1, 1],
  [-1_500, 1], // begun by this clock, and not yet by the database's
])("what begins in %i ms says when, and is to be asked for again in %i s", (ms, seconds) => {
  const grantBegins = instant(time + ms);
  const again = { reason: "grant_pending", next_action: "retry", retry_after: seconds };
  expect(contextOf({ ...NEEDS_APPROVAL, grantBegins })).toMatchObject({
    ...again,
    grant_begins_at: rfc3339(grantBegins),
  });
});

test("another one that begins later says when, and nothing of the named one, which has ended", () => {
  const context = contextOf({ ...NEEDS_APPROVAL, grantBegins: instant(time + 3_600_000) }, "ended");
  expect(context).toMatchObject({ reason: "approval_expired", next_action: "none" });
  expect(context).toHaveProperty("grant_begins_at");
  expect(context).not.toHaveProperty("retry_after");
});

test("where no beginning is known there is none in the answer", () => {
  const context = contextOf(NEEDS_APPROVAL);
  expect(context).toMatchObject({ grant_reason: "not_yet_active", next_action: "retry", retry_after: 1 });
  expect(context).not.toHaveProperty("grant_begins_at");
});
