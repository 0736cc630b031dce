import { expect, test } from "@jest/globals";
import { createTogether } from "./together.ts";

test("all owners begin to end at once, and are all waited for, also beside one that fails", async () => {
  const together = createTogether();
  const gate = Promise.withResolvers<void>();
  const begun: number[] = [];
  const ended: number[] = [];
  const owner = (at: number) => ({
    async [Symbol.asyncDispose]() {
      begun.push(at);
      if (at === 1) throw new Error("cannot end");
      await gate.promise;
      ended.push(at);
    },
  });
  for (const at of [0, 1, 2]) together.own(owner(at));
  const end = together[Symbol.asyncDispose]();
  expect(begun).toEqual([0, 1, 2]);
  gate.resolve();
  await expect(end).rejects.toThrow(AggregateError);
  expect(ended).toEqual([0, 2]);
});
