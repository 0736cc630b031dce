/** A check that is one too many: denied, at once and on record, in native mode as in compatibility mode. */
import { expect, test } from "@jest/globals";
import { id } from "../../../core/domain/id.ts";
import { instant } from "../../../core/domain/time.ts";
import { CheckResponse } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { sampleCheck } from "../../../test/bench/check/sample-check.ts";
import type { Deadline, LogEntry } from "../ports.ts";
import { createCheck } from "./check.ts";
import { createCompatCheck } from "./compat-check.ts";
import { type Arrived, type Check, type EdgeDeps, RpcFailure } from "./edge.ts";
import { readCheck } from "./read-check.ts";

const bytes = sampleCheck("GET", "a.b.c");
const arrived: Arrived = { kind: "request", request: readCheck(bytes), bytes };
const deadline: Deadline = { leftMs: () => 400, within: () => deadline };
const never = () => {
  throw new Error("a check that is shed is not looked at");
};

async function shedBy(checkOf: (deps: EdgeDeps) => Check) {
  const recorded: LogEntry[] = [];
  const check = checkOf({
    decisionLog: { required: false, append: async (entry) => (recorded.push(entry), "recorded") },
    sourceAddress: () => undefined,
    newDecisionId: () => id("decision", "01930000-0000-7000-8000-000000000001"),
    readClocks: () => ({ wall: instant(0), monoMs: 0 }),
    faults: { report: never },
    observe: () => {},
  });
  const answer = await check(arrived, deadline, { shed: true });
  if (answer instanceof RpcFailure) throw new Error("a gRPC error is left to failure_mode_allow");
  const { httpResponse } = Buffer.isBuffer(answer) ? CheckResponse.decode(answer) : answer;
  if (httpResponse?.$case !== "deniedResponse") throw new Error("not denied");
  const { status, headers } = httpResponse.value;
  return { status: status?.code, headers: headers.map(({ header }) => header?.key), recorded };
}

const compat = { path: "envoy/authz/allow", dryRun: false, onError: "grpc_error" } as const;

test.each<readonly [string, (deps: EdgeDeps) => Check]>([
  ["native", (deps) => createCheck({ ...deps, evaluate: never }, { requestUrl: undefined })],
  ["compatibility", (deps) => createCompatCheck({ ...deps, policy: { decide: never }, readRequest: never }, compat)],
])("in %s mode it is 503 with Retry-After, never an error, and no policy is asked", async (_mode, checkOf) => {
  const { status, headers, recorded } = await shedBy(checkOf);
  expect(status).toBe(503);
  expect(headers.map((name) => name?.toLowerCase())).toContain("retry-after");
  expect(recorded).toMatchObject([{ decision: { kind: "deny", reason: "overloaded" } }]);
});
