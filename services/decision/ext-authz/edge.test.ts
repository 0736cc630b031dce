/** A check is on record before the decision log ends, also when the enforcer that asked has left: its use of a grant may be spent. */
import { expect, test } from "@jest/globals";
import { deny } from "../../../core/domain/decision.ts";
import { id } from "../../../core/domain/id.ts";
import { instant } from "../../../core/domain/time.ts";
import { createUnderWay } from "../../../platform/lifecycle/under-way.ts";
import type { Deadline, Evaluated } from "../ports.ts";
import { createEdge, type Judge, refused } from "./edge.ts";

const LEFT: Deadline = { leftMs: () => 400, within: () => LEFT };
const UNKNOWN = { kind: "undecodable", bytes: new Uint8Array() } as const;

function startCheck(judge: Judge) {
  const underWay = createUnderWay();
  const recorded = Promise.withResolvers<Evaluated | undefined>();
  const steps: string[] = [];
  const check = createEdge(
    {
      underWay,
      decisionLog: {
        append() {
          steps.push("appended");
          return recorded.promise;
        },
      },
      sourceAddress: () => undefined,
      newDecisionId: () => id("decision", "01930000-0000-7000-8000-000000000001"),
      readClocks: () => ({ wall: instant(0), monoMs: 0 }),
      faults: { report: () => steps.push("fault") },
      observe: () => {},
    },
    judge,
  );
  void check(UNKNOWN, LEFT, { shed: false });
  const end = underWay[Symbol.asyncDispose]().then(() => steps.push("ended"));
  return { steps, end, record: recorded.resolve };
}

test("the end waits for a check that is being judged, and then for its record", async () => {
  const use = Promise.withResolvers<void>();
  const { steps, end, record } = startCheck(async ({ evaluation }) => {
    await use.promise;
    return refused(deny("internal_error"), evaluation);
  });
  await new Promise(setImmediate);
  expect(steps).toEqual([]);
  use.resolve();
  await new Promise(setImmediate);
  expect(steps).toEqual(["appended"]);
  record(undefined);
  await end;
  expect(steps).toEqual(["appended", "ended"]);
});

test("the end does not wait for a check that ended in a fault", async () => {
  const { steps, end } = startCheck(() => Promise.reject(new Error("a fault of ours")));
  await end;
  expect(steps).toEqual(["fault", "ended"]);
});
