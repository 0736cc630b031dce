/**
 * A check that is not judged, or not to its end: denied in native mode as in compatibility mode. NB: of an answer about a connection Envoy's
 * network filter looks at the status alone, and one that is not there is OK to it: an empty answer would open the connection.
 */
import { readFileSync } from "node:fs";
import { status } from "@grpc/grpc-js";
import { describe, expect, test } from "@jest/globals";
import { allowByPolicy, deny, type DenyReason, NO_RESPONSE_FIELDS } from "../../../core/domain/decision.ts";
import { id } from "../../../core/domain/id.ts";
import { instant } from "../../../core/domain/time.ts";
import { createUnderWay } from "../../../platform/lifecycle/under-way.ts";
import { CheckRequest, CheckResponse } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { sampleCheck } from "../../../test/bench/check/sample-check.ts";
import type { Deadline, Evaluate, LogEntry } from "../ports.ts";
import { createCheck } from "./check.ts";
import { createCompatCheck } from "./compat-check.ts";
import { createReadCompatRequest } from "./compat-request.ts";
import { type Arrived, type Check, type EdgeDeps, RpcFailure } from "./edge.ts";
import type { CompatJudged, CompatPolicy } from "./ports.ts";
import { ANSWERS } from "./problem.ts";
import { readCheck } from "./read-check.ts";

const never = () => {
  throw new Error("a check that is shed is not looked at");
};

function arrivedAs(bytes: Buffer): Arrived {
  return { kind: "request", request: readCheck(bytes), bytes };
}

const HTTP = arrivedAs(sampleCheck("GET", "a.b.c"));
/** As the network filter asks: without a request. */
const OF_CONNECTION = { source: undefined, destination: undefined, request: undefined, contextExtensions: new Map() };
const CONNECTION = arrivedAs(Buffer.from(CheckRequest.encode({ attributes: OF_CONNECTION }).finish()));

type Circumstances = {
  readonly arrived?: Arrived;
  readonly shed?: boolean;
  readonly leftMs?: number;
  readonly isRecorded?: boolean;
};
type CheckOf = (deps: EdgeDeps) => Check;

async function answerTo(checkOf: CheckOf, circumstances: Circumstances = {}) {
  const { arrived = CONNECTION, shed = false, leftMs = 400, isRecorded = true } = circumstances;
  const deadline: Deadline = { leftMs: () => leftMs, within: () => deadline };
  const instead = { subject: undefined, policyRevision: undefined, decision: deny("audit_unavailable") };
  const recorded: LogEntry[] = [];
  const check = checkOf({
    decisionLog: { append: async (entry) => (recorded.push(entry), isRecorded ? undefined : instead) },
    sourceAddress: () => undefined,
    newDecisionId: () => id("decision", "01930000-0000-7000-8000-000000000001"),
    readClocks: () => ({ wall: instant(0), monoMs: 0 }),
    faults: { report: () => {} },
    underWay: createUnderWay(),
    observe: () => {},
  });
  const answer = await check(arrived, deadline, { shed });
  if (answer instanceof RpcFailure) throw new Error("a gRPC error is left to failure_mode_allow");
  return { response: CheckResponse.decode(answer), recorded };
}

/** As the network filter reads it. */
function statusOf({ status: said }: CheckResponse): string | undefined {
  return status[said?.code ?? status.OK];
}

const native =
  (evaluate: Evaluate): CheckOf =>
  (deps) =>
    createCheck({ ...deps, evaluate }, { requestUrl: undefined });

const readRequest = createReadCompatRequest(
  readFileSync(new URL("../../../proto/descriptor/check.binpb", import.meta.url)),
);
const compat =
  (decide: CompatPolicy["decide"]): CheckOf =>
  (deps) =>
    createCompatCheck(
      { ...deps, policy: { decide }, readRequest },
      { path: "envoy/authz/allow", dryRun: false, onError: "deny" },
    );
const compatSaying = (result: CompatJudged["result"]) =>
  compat(() => ({ result, revision: "r1", fuelUsed: undefined }));

const UNASKED = [
  ["native", native(never)],
  ["compatibility", compat(never)],
] as const;

test.each(UNASKED)(
  "in %s mode one too many is 503 with Retry-After, never an error, and no policy is asked",
  async (_mode, checkOf) => {
    const { response, recorded } = await answerTo(checkOf, { arrived: HTTP, shed: true });
    if (response.httpResponse?.$case !== "deniedResponse") throw new Error("not denied");
    const { status: code, headers } = response.httpResponse.value;
    expect(code?.code).toBe(503);
    expect(headers.map(({ header }) => header?.key.toLowerCase())).toContain("retry-after");
    expect(recorded).toMatchObject([{ decision: { kind: "deny", reason: "overloaded" } }]);
  },
);

describe("a connection is told in its status that it is denied", () => {
  const DENIED = ["PERMISSION_DENIED", "UNAUTHENTICATED"];

  const CIRCUMSTANCES: readonly (readonly [string, Circumstances])[] = [
    ["when its bytes are no message", { arrived: { kind: "undecodable", bytes: Buffer.from([0xff]) } }],
    ["when its message says nothing", { arrived: arrivedAs(Buffer.alloc(0)) }],
    ["when its message is too large", { arrived: { kind: "oversize" } }],
    ["when it is one too many", { shed: true }],
    ["when no time is left", { leftMs: 0 }],
    ["when what judges it throws", {}],
  ];
  test.each(
    UNASKED.flatMap(([mode, checkOf]) => CIRCUMSTANCES.map(([when, given]) => [mode, when, checkOf, given] as const)),
  )("in %s mode %s", async (_mode, _when, checkOf, given) => {
    expect(DENIED).toContain(statusOf((await answerTo(checkOf, given)).response));
  });

  const allow = allowByPolicy({ kind: "allow", reasons: ["r"], response: NO_RESPONSE_FIELDS });
  test.each([
    ["native", native(async () => ({ subject: undefined, policyRevision: "r1", decision: allow }))],
    ["compatibility", compatSaying({ kind: "allow", metadata: {}, fields: undefined })],
  ] as const)("in %s mode when it would be allowed and could not be recorded", async (_mode, checkOf) => {
    expect(statusOf((await answerTo(checkOf, { isRecorded: false })).response)).toBe("PERMISSION_DENIED");
    expect(statusOf((await answerTo(checkOf)).response)).toBe("OK");
  });

  const isReason = (name: string): name is DenyReason => Object.hasOwn(ANSWERS, name);
  test.each(Object.keys(ANSWERS).filter(isReason))("for whatever reason: %s", async (reason) => {
    const checkOf = native(async () => ({ subject: undefined, policyRevision: undefined, decision: deny(reason) }));
    const { response, recorded } = await answerTo(checkOf);
    expect(DENIED).toContain(statusOf(response));
    expect(recorded).toMatchObject([{ evaluation: { protocol: "tcp" }, decision: { reason } }]);
  });

  const fault = { kind: "fault", message: "m", echoes: false } as const;
  test.each<CompatJudged["result"]>([
    { kind: "deny", metadata: {}, fields: undefined },
    { kind: "suspended" },
    { kind: "unparsable", message: "m" },
    { ...fault, reason: "policy_error" },
    { ...fault, reason: "policy_result_invalid" },
    { ...fault, reason: "policy_budget_exceeded" },
    { ...fault, reason: "policy_not_loaded" },
    { ...fault, reason: "policy_expired" },
  ])("whatever a policy of compatibility mode comes to: %j", async (result) => {
    expect(statusOf((await answerTo(compatSaying(result))).response)).toBe("PERMISSION_DENIED");
  });
});
