import { expect, test } from "@jest/globals";
import { createTeller, WrongSight } from "./teller.ts";

test("what is as expected is told with what was seen; the first thing that is not ends the story, and says both", () => {
  const told: string[] = [];
  const teller = createTeller((line) => told.push(line));
  teller.step(2, "dana deletes an order");
  teller.see("the answer", { status: 403 }, { status: 403 });
  const wrong = () => teller.see("the order", { status: 200 }, { status: 404 });
  expect(wrong).toThrow(WrongSight);
  expect(wrong).toThrow("step 2. dana deletes an order: the order: expected status 200, seen status 404");
  expect(told.slice(0, 3)).toEqual([
    "\n2. dana deletes an order",
    "   ok     the answer: status 403",
    "   WRONG  the order\n          expected status 200\n          seen     status 404",
  ]);
});

test("what is measured has to be less than its limit; at the limit it ends the story, and says both", () => {
  const told: string[] = [];
  const teller = createTeller((line) => told.push(line));
  teller.step(10, "max revokes it");
  teller.below("milliseconds until then", 1_000, 34.4);
  expect(() => teller.below("milliseconds until then", 1_000, 1_000)).toThrow(
    "step 10. max revokes it: milliseconds until then: expected less than 1000, seen 1000",
  );
  expect(() => teller.below("milliseconds until then", 1_000, Number.NaN)).toThrow(WrongSight);
  expect(told).toContain("   ok     milliseconds until then: 34");
});
