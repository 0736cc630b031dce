/** Who asked is known of each decision of the API, whatever became of it. */
import { expect, test } from "@jest/globals";
import { deny } from "../../../core/domain/decision.ts";
import { id } from "../../../core/domain/id.ts";
import { instant } from "../../../core/domain/time.ts";
import { askingBy, CALLERS } from "../../../test/samples/asking.ts";
import { LEFT } from "../../../test/samples/evaluation.ts";
import type { Evaluation, LogEntry } from "../ports.ts";
import { createAskQuestion } from "./ask-question.ts";
import type { Authenticated } from "./ports.ts";

const QUESTION = {
  subject: { type: "user", id: "dana", properties: {} },
  action: { name: "read", properties: {} },
  resource: { type: "file", id: "f1", properties: {} },
  context: {},
};
const dana = { issuer: "i", id: "dana", groups: [], claims: {}, actors: [] };
const CLIENT: Authenticated = {
  kind: "client",
  client: { name: "gateway", subjects: new Map(), enforcer: true },
};

/** What is recorded, and what is observed, of a question of this caller. */
async function asked(caller: Authenticated, { vouched }: { readonly vouched: boolean }) {
  const recorded: LogEntry[] = [];
  const observed: Evaluation[] = [];
  const ask = createAskQuestion({
    evaluate: async () => ({ decision: deny("no_rule_matched"), subject: dana, policyRevision: "r1" }),
    decisionLog: { append: async (entry) => void recorded.push(entry) },
    newDecisionId: () => id("decision", "01930000-0000-7000-8000-000000000001"),
    readClocks: () => ({ wall: instant(0), monoMs: 0 }),
    faults: { report: () => {} },
    observe: (_evaluated, evaluation) => void observed.push(evaluation),
  });
  const callers = {
    ...CALLERS,
    vouch: () =>
      vouched
        ? ({ kind: "subject", subject: dana, expiresAt: Number.POSITIVE_INFINITY } as const)
        : ({ kind: "refused", reason: "subject_not_trusted" } as const),
  };
  await askingBy(ask, callers).during({ caller, deadline: LEFT, traceparent: undefined }, (one) =>
    one(QUESTION, "enforce"),
  );
  return [...recorded.map(({ evaluation }) => evaluation.client), ...observed.map(({ client }) => client)];
}

test("no client is named for somebody who asks with a token of their own", async () => {
  const caller: Authenticated = { kind: "subject", subject: dana, expiresAt: Number.POSITIVE_INFINITY };
  expect(await asked(caller, { vouched: true })).toEqual([undefined, undefined]);
});

test.each([
  ["that it may name", true],
  ["that it is not trusted to name", false],
])("a client is named with an account %s, on record and to whoever observes", async (_which, vouched) => {
  expect(await asked(CLIENT, { vouched })).toEqual(["gateway", "gateway"]);
});
