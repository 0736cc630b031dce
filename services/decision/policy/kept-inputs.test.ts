import { expect, test } from "@jest/globals";
import { id } from "../../../core/domain/id.ts";
import { instant } from "../../../core/domain/time.ts";
import { type AskedInput, createKeptInputs } from "./kept-inputs.ts";

const decisionId = (at: number) => id("decision", `018f4e5a-0000-7000-8000-${String(at).padStart(12, "0")}`);
const asked = (at: number, inputJson = `{"n":${at}}`): AskedInput => ({
  decisionId: decisionId(at),
  time: instant(1_795_514_400_000),
  revision: "r1",
  inputJson,
  verdict: "deny",
  fuelUsed: 7,
});
const of = (at: number) => new URLSearchParams({ decision_id: decisionId(at) });
const all = new URLSearchParams();

test("no more than configured are kept, and no more text than there is room for: the oldest goes first", () => {
  const kept = createKeptInputs({ keepInputs: 2 });
  for (const at of [1, 2, 3]) kept.keep(asked(at));
  expect(kept.describe(of(1))).toBeUndefined();
  expect(kept.describe(all)?.split("\n")).toHaveLength(3);
  kept.keep(asked(4, `"${"x".repeat(16 << 20)}"`));
  expect(kept.describe(all)).toBe("");
});

test("an input is given as it was asked, to the last digit", () => {
  const kept = createKeptInputs({ keepInputs: 2 });
  kept.keep(asked(1, '{"parsed_body":{"amount":9007199254740993}}'));
  expect(kept.describe(of(1))).toBe(
    `{"decision_id":"${decisionId(1)}","time":"2026-11-24T10:00:00.000Z","revision":"r1","verdict":"deny","fuel_used":7,` +
      '"input":{"parsed_body":{"amount":9007199254740993}}}\n',
  );
});
