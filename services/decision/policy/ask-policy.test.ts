import { expect, test } from "@jest/globals";
import { NO_RESPONSE_FIELDS, type Verdict } from "../../../core/domain/decision.ts";
import { instant } from "../../../core/domain/time.ts";
import { inputReadsOf } from "../../../core/policy/input-reads.ts";
import type { Deadline, PolicyQuestion } from "../ports.ts";
import { createPolicy } from "./ask-policy.ts";
import { createSuspensions } from "./suspensions.ts";
import { CONNECTION, evaluationOf } from "../../../test/samples/evaluation.ts";

const exceeded: Verdict = { kind: "fault", reason: "policy_budget_exceeded", detail: "steps" };

const ALLOWED = {
  verdict: { kind: "allow", reasons: ["read"], response: NO_RESPONSE_FIELDS },
  fuelUsed: 1,
} as const;

const deadline: Deadline = { leftMs: () => 400, within: () => deadline };

function question(sourceAddress: string): PolicyQuestion {
  return {
    evaluation: CONNECTION,
    caller: { kind: "anonymous" },
    context: { source_address: sourceAddress },
  };
}

test("after three evaluations that exceeded their budget the policy is not asked again, for this caller", () => {
  let asked = 0;
  const observed: number[] = [];
  const policy = createPolicy({
    host: {
      revision: () => "r",
      inputReads: () => undefined,
      decide() {
        asked++;
        return { verdict: exceeded, fuelUsed: 1_000 };
      },
      decideAsking: () => ({ verdict: exceeded, fuelUsed: 1_000 }),
    },
    suspensions: createSuspensions(),
    observe: ({ fuelUsed }) => observed.push(fuelUsed),
    monotonicMs: () => 0,
  });
  const decide = (address: string, monoMs: number) =>
    policy.decide(question(address), { wall: instant(1_800_000_000_000), monoMs }, deadline);

  for (let count = 0; count < 3; count++) {
    expect(decide("10.0.0.1", count)).toEqual({ verdict: exceeded, revision: "r", fuelUsed: 1_000 });
  }
  expect(decide("10.0.0.1", 10)).toMatchObject({ verdict: { reason: "policy_suspended" }, fuelUsed: undefined });
  expect(asked).toBe(3);
  expect(decide("10.0.0.2", 10)).toMatchObject({ verdict: { reason: "policy_budget_exceeded" } });
  expect(decide("10.0.0.1", 60_000)).toMatchObject({ verdict: { reason: "policy_budget_exceeded" } });
  expect(observed).toEqual([1_000, 1_000, 1_000, 1_000, 1_000]);
});

test("keeping inputs decides nothing: what no policy reads refuses no request that is not kept either", () => {
  const host = { revision: () => "r", inputReads: () => inputReadsOf([["subject"]]), decideAsking: () => ALLOWED };
  const deps = { suspensions: createSuspensions(), observe: () => {}, monotonicMs: () => 0 };
  const kept: string[] = [];
  const asked: string[] = [];
  for (const keptInputs of [undefined, { keep: ({ inputJson }: { inputJson: string }) => kept.push(inputJson) }]) {
    const decide = (input: string) => {
      asked.push(input);
      return ALLOWED;
    };
    const policy = createPolicy({ ...deps, host: { ...host, decide }, keptInputs });
    for (const query of ["q=100%", "q=1"])
      expect(
        policy.decide(
          { ...question("10.0.0.1"), evaluation: evaluationOf({ http: { query } }) },
          { wall: instant(1_800_000_000_000), monoMs: 0 },
          deadline,
        ),
      ).toMatchObject({ verdict: { kind: "allow" } });
  }
  const parts = asked.map((input) => Object.keys(JSON.parse(input)).includes("parsed_query"));
  expect(parts).toEqual([false, false, false, true]); // whole where it can be described whole
  expect(kept).toEqual(asked.slice(2));
});
