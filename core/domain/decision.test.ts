import { expect, test } from "@jest/globals";
import { decisionFrom, deny, NO_RESPONSE_FIELDS, shownRules } from "./decision.ts";

test("an answer tells no detail of a fault, but the rules by which a policy denied", () => {
  expect(shownRules(deny("policy_error", ["the detail"]))).toEqual([]);
  expect(shownRules(deny("grants_stale", ["no_heartbeat"]))).toEqual([]);
  const denied = decisionFrom({ kind: "deny", reasons: ["locked", "frozen"], response: NO_RESPONSE_FIELDS });
  expect(denied.kind === "deny" && shownRules(denied)).toEqual(["locked", "frozen"]);
});
