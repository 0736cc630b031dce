import { describe, expect, test } from "@jest/globals";
import type { CaseOutcome } from "./case-outcome.ts";
import { score } from "./known-misses.ts";

const missed = (id: string, cause?: string): CaseOutcome => ({
  kind: "missed",
  id,
  want: "1",
  got: "2",
  ...(cause === undefined ? {} : { cause }),
});

describe("the score of a run", () => {
  test("a miss that is not listed is a failure, whatever else is listed", () => {
    const result = score([missed("a"), { kind: "passed", id: "b" }], new Map([["c", "a reason of its own"]]));
    expect([result.failed.length, result.passed.length, result.known.length]).toEqual([1, 1, 0]);
    expect(result.listFaults).toEqual([]);
  });

  test("a known miss that passes is an error", () => {
    const result = score([{ kind: "passed", id: "a" }], new Map([["a", "a reason of its own"]]));
    expect(result.passed).toEqual([]);
    expect(result.listFaults).toHaveLength(1);
  });

  test("two cases of one id are an error, since one could hide the other", () => {
    const twice: CaseOutcome[] = [
      { kind: "passed", id: "a" },
      { kind: "passed", id: "a" },
    ];
    expect(score(twice, new Map()).listFaults).toHaveLength(1);
  });

  test("a known miss is told with its reason, by its id or by a cause that many share", () => {
    const known = new Map([
      ["a", "a reason of its own"],
      ["not served: x", "the reason of many"],
    ]);
    const result = score([missed("a"), missed("b", "not served: x"), missed("c", "not served: y")], known);
    expect(result.known.map(({ reason }) => reason)).toEqual(["a reason of its own", "the reason of many"]);
    expect(result.failed.map(({ id }) => id)).toEqual(["c"]);
  });
});
