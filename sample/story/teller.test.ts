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
