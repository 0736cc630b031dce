import { expect, test } from "@jest/globals";
import { createSeenBefore } from "./seen-before.ts";

/** One whose fingerprint takes the place of `text`'s. */
function rivalOf(text: string, secret: string): string {
  const seen = createSeenBefore(secret);
  for (let n = 0; n < 100_000; n += 1) {
    seen(text);
    seen(`rival ${n}`);
    if (!seen(text)) return `rival ${n}`;
  }
  throw new Error("no other text has its place");
}

test("a text is new once; one that differs in a single character is another", () => {
  const seen = createSeenBefore();
  expect(["a.b.c", "a.b.d", "", "a.b.c", "a.b.d", ""].map(seen)).toEqual([false, false, false, true, true, true]);
});

test("many distinct ones are all new, and make it forget what came long before", () => {
  const seen = createSeenBefore();
  seen("first");
  const others = Array.from({ length: 100_000 }, (_, n) => `text ${n}`);
  expect(others.filter(seen)).toEqual([]);
  expect(seen("first")).toBe(false);
});

test("which text makes which other one forgotten is another one in each process", () => {
  const rival = rivalOf("shown", "secret of one process");
  const elsewhere = createSeenBefore("secret of another");
  elsewhere("shown");
  elsewhere(rival);
  expect(elsewhere("shown")).toBe(true);
});
