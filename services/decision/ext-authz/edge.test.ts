/**
 * A check is on record before the decision log ends, also when the enforcer that asked has left: its use of a grant may be spent. And whatever throws,
 * what is told is what is on record.
 */
import { status } from "@grpc/grpc-js";
import { describe, expect, test } from "@jest/globals";
import { allowByPolicy, deny, NO_RESPONSE_FIELDS } from "../../../core/domain/decision.ts";
import { id } from "../../../core/domain/id.ts";
import { instant } from "../../../core/domain/time.ts";
import { createUnderWay } from "../../../platform/lifecycle/under-way.ts";
import { CheckResponse } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import type { Deadline, Evaluated } from "../ports.ts";
import { createEdge, type EdgeDeps, type Judge, refused, RpcFailure } from "./edge.ts";

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

test("so it does for the record of a check that ended in a fault", async () => {
  const { steps, end, record } = startCheck(() => Promise.reject(new Error("a fault of ours")));
  await new Promise(setImmediate);
  expect(steps).toEqual(["fault", "appended"]);
  record(undefined);
  await end;
  expect(steps).toEqual(["fault", "appended", "ended"]);
});

describe("a part that throws", () => {
  const fault = new Error("a fault of ours");
  const throwing = () => {
    throw fault;
  };
  const NOTHING_KNOWN = { subject: undefined, policyRevision: undefined } as const;
  const allow: Evaluated = {
    ...NOTHING_KNOWN,
    decision: allowByPolicy({ kind: "allow", reasons: ["r"], response: NO_RESPONSE_FIELDS }),
  };
  const OK = { status: { code: status.OK, message: "", details: [] } };

  /** What came of a check that was allowed, but for what is given. */
  async function outcome(parts: Partial<EdgeDeps>, judge: Judge) {
    const recorded: unknown[] = [];
    const counted: unknown[] = [];
    const faults: unknown[] = [];
    const of = ({ decision }: Evaluated) => (decision.kind === "deny" ? decision.reason : decision.kind);
    const check = createEdge(
      {
        underWay: createUnderWay(),
        decisionLog: { append: async (entry) => void recorded.push(of(entry)) },
        sourceAddress: () => undefined,
        newDecisionId: () => id("decision", "01930000-0000-7000-8000-000000000001"),
        readClocks: () => ({ wall: instant(0), monoMs: 0 }),
        faults: { report: (error) => faults.push(error) },
        observe: (evaluated) => counted.push(of(evaluated)),
        ...parts,
      },
      judge,
    );
    const told = await check(UNKNOWN, LEFT, { shed: false });
    if (told instanceof RpcFailure) throw new Error("a gRPC error is left to failure_mode_allow");
    return { told: status[CheckResponse.decode(told).status?.code ?? status.OK], recorded, counted, faults };
  }

  const DENIED = {
    told: "PERMISSION_DENIED",
    recorded: ["internal_error"],
    counted: ["internal_error"],
    faults: [fault],
  };
  test("among those that judge is a denial on record, and counted", async () => {
    expect(await outcome({}, throwing)).toEqual(DENIED);
    expect(await outcome({}, () => Promise.reject(fault))).toEqual(DENIED);
  });

  test("where an allow is put into words leaves no allow on record", async () => {
    expect(await outcome({}, async () => ({ evaluated: allow, answer: throwing }))).toEqual(DENIED);
    const unsendable = { status: { ...OK.status, code: 2 ** 40 } };
    const { faults, ...rest } = await outcome({}, async () => ({ evaluated: allow, answer: () => unsendable }));
    expect({ ...rest, faults: [fault] }).toEqual(DENIED);
    expect(faults).toHaveLength(1);
  });

  test("where an answer is put into words leaves on record whose call it was", async () => {
    const revisions: unknown[] = [];
    const decisionLog = { append: async ({ policyRevision }: Evaluated) => void revisions.push(policyRevision) };
    const evaluated = { ...allow, policyRevision: "sha256:2e0d" };
    const { counted } = await outcome({ decisionLog }, async () => ({ evaluated, answer: throwing }));
    expect([revisions, counted]).toEqual([["sha256:2e0d"], ["internal_error"]]);
  });

  test("is a denial, however often it throws", async () => {
    const none = { recorded: [], counted: [], told: "PERMISSION_DENIED", faults: [fault, fault] };
    const answer = () => OK;
    expect(await outcome({ sourceAddress: throwing }, async () => ({ evaluated: allow, answer }))).toEqual(none);
    const decisionLog = { append: () => Promise.reject(fault) };
    expect(await outcome({ decisionLog }, async () => ({ evaluated: allow, answer }))).toEqual(none);
  });

  test("where decisions are counted changes none that is on record", async () => {
    const judge: Judge = async () => ({ evaluated: allow, answer: () => OK });
    const allowed = { told: "OK", recorded: ["allow"], counted: [], faults: [fault] };
    expect(await outcome({ observe: throwing }, judge)).toEqual(allowed);
  });

  test("is told as what could not be recorded, where it has to be on record and is not", async () => {
    const instead = { ...NOTHING_KNOWN, decision: deny("audit_unavailable") };
    const { told, counted } = await outcome({ decisionLog: { append: async () => instead } }, throwing);
    expect([told, counted]).toEqual(["PERMISSION_DENIED", ["audit_unavailable"]]);
  });
});
