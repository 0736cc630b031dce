import { expect, test } from "@jest/globals";
import { type DecisionLogGap, fillGaps } from "./decision-log-gap.ts";
import { type Digest, digest } from "./id.ts";

const hashOf = (index: number): Digest => digest(index.toString(16).padStart(64, "0"));
const entries = (from: number, before: number) =>
  Array.from({ length: before - from }, (_, n) => ({
    index: BigInt(from + n),
    previous: hashOf(from + n - 1),
    hash: hashOf(from + n),
  }));
const gapOf = (from: number, before: number): DecisionLogGap => ({
  from: BigInt(from),
  before: BigInt(before),
  after: hashOf(from - 1),
  next: hashOf(before - 1),
});

test("entries that do not fit at one of the ends are refused, and nothing is taken", () => {
  const gap = gapOf(3, 6);
  const wrong = digest("f".repeat(64));
  expect(fillGaps([{ ...gap, after: wrong }], entries(3, 6))).toEqual({ kind: "refused", reason: "chain_broken" });
  expect(fillGaps([{ ...gap, next: wrong }], entries(3, 6))).toEqual({ kind: "refused", reason: "chain_broken" });
});

test("known entries around a gap are left out, and a filled gap leaves none", () => {
  const gap = gapOf(3, 6);
  const filled = fillGaps([gap], entries(1, 8));
  expect(filled).toMatchObject({ kind: "filled", closed: [gap], left: [] });
  expect(filled.kind === "filled" && filled.taken.map(({ index }) => Number(index))).toEqual([3, 4, 5]);
});

test("a gap that is filled in the middle leaves two, each with the hashes that it now lies between", () => {
  const filled = fillGaps([gapOf(3, 9)], entries(5, 7));
  expect(filled).toMatchObject({ kind: "filled", left: [gapOf(3, 5), gapOf(7, 9)] });
});

test("entries that no gap waits for change nothing", () => {
  expect(fillGaps([gapOf(3, 6)], entries(8, 9))).toEqual({ kind: "filled", taken: [], closed: [], left: [] });
});
