/** Whatever throws while a question is answered: what is told is what is on record. */
import { describe, expect, test } from "@jest/globals";
import { allowByPolicy, type Decision, deny, NO_RESPONSE_FIELDS } from "../../../core/domain/decision.ts";
import { id } from "../../../core/domain/id.ts";
import { instant } from "../../../core/domain/time.ts";
import { LEFT } from "../../../test/samples/evaluation.ts";
import type { Evaluated, LogEntry } from "../ports.ts";
import { createAskQuestion } from "./ask-question.ts";

const NOTHING_KNOWN = { subject: undefined, policyRevision: undefined } as const;
const ALLOW: Evaluated = {
  ...NOTHING_KNOWN,
  decision: allowByPolicy({ kind: "allow", reasons: ["r"], response: NO_RESPONSE_FIELDS }),
};
const QUESTION = {
  subject: { type: "user", id: "dana", properties: {} },
  action: { name: "read", properties: {} },
  resource: { type: "file", id: "f1", properties: {} },
  context: {},
};
const OPTIONS = {
  vouched: { kind: "refused", reason: "subject_not_trusted" },
  deadline: LEFT,
  mode: "enforce",
  traceparent: undefined,
  client: undefined,
} as const;

const fault = new Error("a fault of ours");
const throwing = () => {
  throw fault;
};
const reasonOf = (decision: Decision) => (decision.kind === "deny" ? decision.reason : decision.kind);

/** What came of a question that was allowed, but for what is given. */
async function outcome(parts: Partial<Parameters<typeof createAskQuestion>[0]>) {
  const recorded: unknown[] = [];
  const counted: unknown[] = [];
  const faults: unknown[] = [];
  const append = async ({ decision, mode }: LogEntry) => void recorded.push(`${mode}: ${reasonOf(decision)}`);
  const ask = createAskQuestion({
    evaluate: async () => ALLOW,
    decisionLog: { append },
    newDecisionId: () => id("decision", "01930000-0000-7000-8000-000000000001"),
    readClocks: () => ({ wall: instant(0), monoMs: 0 }),
    faults: { report: (error) => faults.push(error) },
    observe: ({ decision }) => counted.push(reasonOf(decision)),
    ...parts,
  });
  return { told: reasonOf((await ask(QUESTION, OPTIONS)).decision), recorded, counted, faults };
}

describe("a part that throws", () => {
  const recorded = ["enforce: internal_error"];
  test("among those that judge is a denial on record, and counted", async () => {
    const denied = { told: "internal_error", recorded, counted: ["internal_error"], faults: [fault] };
    expect(await outcome({ evaluate: throwing })).toEqual(denied);
    expect(await outcome({ evaluate: () => Promise.reject(fault) })).toEqual(denied);
  });

  test("is a denial, however often it throws", async () => {
    const denied = { told: "internal_error", recorded: [], counted: [], faults: [fault, fault] };
    expect(await outcome({ decisionLog: { append: () => Promise.reject(fault) } })).toEqual(denied);
  });

  test("where decisions are counted changes none that is on record", async () => {
    const allowed = { told: "allow", recorded: ["enforce: allow"], counted: [], faults: [fault] };
    expect(await outcome({ observe: throwing })).toEqual(allowed);
  });

  test("is told as what could not be recorded, where it has to be on record and is not", async () => {
    const instead = { ...NOTHING_KNOWN, decision: deny("audit_unavailable") };
    const decisionLog = { append: async () => instead };
    expect(await outcome({ decisionLog, evaluate: throwing })).toMatchObject({ told: "audit_unavailable" });
  });
});
