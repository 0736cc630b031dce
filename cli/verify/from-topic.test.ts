import { expect, test } from "@jest/globals";
import { createChainCheck } from "./chain.ts";
import { checkTopic } from "./from-topic.ts";

const stuck = {
  endOffsets: () => Promise.resolve(new Map([0, 1, 2].map((partition) => [partition, 5n] as const))),
  subscribe: () => {},
  position: () =>
    new Map([
      [0, 5n],
      [1, 3n],
    ]),
};
const check = createChainCheck({ fromZero: false });

test("a topic whose end is not reached in time is told with how far it came, and what to do", async () => {
  const { signal } = new AbortController();
  await expect(checkTopic(stuck, "audit", check, { timeoutMs: 1, signal })).rejects.toThrow(
    "not at the end of audit after 0.001 s: partition 1 is at offset 3 of 5, partition 2 is at offset none of 5; give it longer with --timeout",
  );
});

test("a stream that cannot go on is told as it is, not as lateness", async () => {
  const signal = AbortSignal.abort(new Error("the stream is broken"));
  await expect(checkTopic(stuck, "audit", check, { timeoutMs: 1, signal })).rejects.toThrow("the stream is broken");
});
