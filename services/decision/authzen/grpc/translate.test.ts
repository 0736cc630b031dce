import { expect, test } from "@jest/globals";
import { type NeedsApproval, NO_RESPONSE_FIELDS } from "../../../../core/domain/decision.ts";
import { instant } from "../../../../core/domain/time.ts";
import { EvaluateResponse } from "../../../../proto/gen/countersign/v1/decision.ts";
import { ELEVATION } from "../../../../test/samples/domain.ts";
import { DENIED_BY_API } from "../../../../test/samples/evaluation.ts";
import { responseOf } from "./translate.ts";

test("what begins later says when, by message too, and nothing else does", () => {
  const needed: NeedsApproval = {
    kind: "needs_approval",
    elevations: [ELEVATION],
    denial: undefined,
    tooManyDenials: undefined,
    grantReason: "not_yet_active",
    response: NO_RESPONSE_FIELDS,
  };
  const heard = (decision: NeedsApproval) =>
    EvaluateResponse.decode(EvaluateResponse.encode(responseOf({ ...DENIED_BY_API, decision })).finish());
  const begins = instant(1_795_478_400_001);
  expect(heard({ ...needed, grantBegins: begins })).toMatchObject({
    grantReason: "not_yet_active",
    grantBeginsAt: new Date(begins),
  });
  expect(heard({ ...needed, grantReason: "spent" }).grantBeginsAt).toBeUndefined();
});
