import { expect, test } from "@jest/globals";
import { createUnderWay } from "./under-way.ts";

test("its end waits for the last one that is under way, and for nothing when there is none", async () => {
  await createUnderWay()[Symbol.asyncDispose]();
  const underWay = createUnderWay();
  let ended = false;
  underWay.begin();
  underWay.begin();
  const end = underWay[Symbol.asyncDispose]().then(() => (ended = true));
  underWay.end();
  await new Promise(setImmediate);
  expect(ended).toBe(false);
  underWay.end();
  await end;
});

test("its end does not wait longer than it may", async () => {
  const underWay = createUnderWay(20);
  underWay.begin();
  await underWay[Symbol.asyncDispose]();
});
