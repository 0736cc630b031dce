import { expect, test } from "@jest/globals";
import { appendChunk } from "./append-chunk.ts";

test("chunks stand one behind the other, and none of them is written into", () => {
  const text = Buffer.from(Array.from({ length: 40_000 }, (_, at) => at % 251));
  for (const size of [1, 7, 4_096, 39_999]) {
    let held: Buffer | undefined;
    let heldBytes = 0;
    const copy = Buffer.from(text);
    for (let at = 0; at < copy.length; at += size) {
      const chunk = copy.subarray(at, at + size);
      held = appendChunk(held, heldBytes, chunk);
      heldBytes += chunk.length;
    }
    expect(held?.subarray(0, heldBytes).equals(text)).toBe(true);
    expect(copy.equals(text)).toBe(true);
  }
});

test("a body of one-byte chunks is held in no more than twice its length, by few copies", () => {
  const bytes = 200_000;
  let held: Buffer | undefined;
  let copies = 0;
  for (let at = 0; at < bytes; at += 1) {
    const next = appendChunk(held, at, Buffer.from([1]));
    if (next !== held) copies += 1;
    held = next;
  }
  expect(held?.length).toBeLessThanOrEqual(2 * bytes);
  expect(copies).toBeLessThan(12);
});
