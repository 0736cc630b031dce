import { expect, test } from "@jest/globals";
import { allowByPolicy, NO_RESPONSE_FIELDS } from "../../../core/domain/decision.ts";
import { id } from "../../../core/domain/id.ts";
import { instant } from "../../../core/domain/time.ts";
import { evaluationOf } from "../../../test/samples/evaluation.ts";
import type { Deadline } from "../ports.ts";
import { evaluateBatch } from "./evaluate-batch.ts";

const ITEM = {
  subject: { type: "user", id: "dana" },
  action: { name: "read" },
  resource: { type: "order", id: "42" },
};
const parts = { requestUrl: undefined, accessRequests: undefined, grants: { standing: () => "unknown" as const } };

test("an item for which no time is left is denied by itself: nothing of it is read, and nobody is asked", async () => {
  let asked = 0;
  let leftMs = 2;
  const deadline: Deadline = { leftMs: () => leftMs, within: () => deadline };
  const unread = {
    get resource(): unknown {
      throw new Error("read");
    },
  };
  const shown = await evaluateBatch(
    async () => {
      asked += 1;
      leftMs -= 1;
      const evaluation = evaluationOf({ decisionId: id("decision", "01930000-0000-7000-8000-000000000001") });
      return {
        ...{ evaluation, time: instant(0), subject: undefined, policyRevision: "r1" },
        decision: allowByPolicy({ kind: "allow", reasons: [], response: NO_RESPONSE_FIELDS }),
      };
    },
    {},
    [ITEM, ITEM, unread, unread],
    { semantic: "execute_all", parts, deadline, isGone: () => false, pause: async () => {} },
  );
  expect(asked).toBe(2);
  expect(shown.map(({ decision }) => decision)).toEqual([true, true, false, false]);
  expect(shown.at(-1)?.context).toEqual({
    error: { status: 503, message: expect.stringContaining("no time is left") },
  });
});
