import { expect, test } from "@jest/globals";
import type { NeedsApproval } from "../../../../core/domain/decision.ts";
import { instant } from "../../../../core/domain/time.ts";
import { EvaluateResponse } from "../../../../proto/gen/countersign/v1/decision.ts";
import { DENIED_BY_API, NEEDS_APPROVAL } from "../../../../test/samples/evaluation.ts";
import { responseOf } from "./translate.ts";

test("what begins later says when, by message too, and nothing else does", () => {
  const heard = (decision: NeedsApproval) =>
    EvaluateResponse.decode(EvaluateResponse.encode(responseOf({ ...DENIED_BY_API, decision })).finish());
  const begins = instant(1_795_478_400_001);
  expect(heard({ ...NEEDS_APPROVAL, grantBegins: begins })).toMatchObject({
    grantReason: "not_yet_active",
    grantBeginsAt: new Date(begins),
  });
  expect(heard({ ...NEEDS_APPROVAL, grantReason: "spent" }).grantBeginsAt).toBeUndefined();
});
