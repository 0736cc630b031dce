import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { type DecisionLogGap, fillGaps } from "./decision-log-gap.ts";
import { type Digest, digest } from "./id.ts";

const hashOf = (index: number): Digest => digest((index + 1).toString(16).padStart(64, "0"));
const entries = (from: number, before: number) =>
  Array.from({ length: before - from }, (_, n) => ({
    index: BigInt(from + n),
    previous: hashOf(from + n - 1),
    hash: hashOf(from + n),
    closes: false,
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

test("an entry that closes the log fills no gap, since others stand behind it", () => {
  const closing = entries(3, 5).map((entry) => (entry.index === 4n ? { ...entry, closes: true } : entry));
  expect(fillGaps([gapOf(3, 6)], closing)).toEqual({ kind: "refused", reason: "chain_broken" });
});

test("whatever order and pieces the missing entries come in, each is taken once and no gap is left", () => {
  const piece = fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 12 }));
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 39 }), { maxLength: 6 }), fc.array(piece), (cuts, pieces) => {
      const ends = [0, ...cuts.toSorted((a, b) => a - b), 40];
      let gaps = ends
        .slice(0, -1)
        .flatMap((from, n) => (n % 2 === 0 ? [gapOf(from + 1, (ends[n + 1] ?? 40) + 1)] : []));
      const missing = gaps.flatMap(({ from, before }) =>
        entries(Number(from), Number(before)).map(({ index }) => index),
      );
      const taken: bigint[] = [];
      for (const [from, length] of [...pieces, [0, 41] as const]) {
        const filled = fillGaps(gaps, entries(from, from + length));
        if (filled.kind !== "filled") throw new Error("a piece of the log itself is refused");
        gaps = [...gaps.filter((gap) => !filled.closed.includes(gap)), ...filled.left];
        taken.push(...filled.taken.map(({ index }) => index));
      }
      expect(taken.toSorted((a, b) => Number(a - b))).toEqual(missing);
      expect(gaps).toEqual([]);
    }),
  );
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
