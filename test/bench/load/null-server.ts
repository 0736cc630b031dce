/**
 * The floor: the same transports as the decision service, with the same generated code and the same HTTP framework, that look at nothing and
 * say yes: Check and Evaluate over grpc-js, Check on node:http2 as the service serves it, and a route over HTTP. Whatever a decision costs beyond
 * them is ours. Serves the same process
 * metrics. Says its ports in one line, then runs until whoever started it is gone.
 */
import { type sendUnaryData, Server, type ServerUnaryCall } from "@grpc/grpc-js";
import fastify from "fastify";
import { startHttp2Server } from "../../../platform/grpc/http2/server.ts";
import { listen } from "../../../platform/grpc/serve.ts";
import { startOpsServer } from "../../../platform/http/ops-server.ts";
import { createLog } from "../../../platform/log/log.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import {
  DecisionServiceService,
  type EvaluateRequest,
  type EvaluateResponse,
  Outcome,
} from "../../../proto/gen/countersign/v1/decision.ts";
import {
  AuthorizationService,
  type CheckRequest,
  CheckResponse,
} from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { answerWith } from "../child.ts";

const HOST = "127.0.0.1";
const OK: CheckResponse = {
  status: { code: 0, message: "", details: [] },
  httpResponse: {
    $case: "okResponse",
    value: {
      headers: [],
      headersToRemove: [],
      dynamicMetadata: undefined,
      responseHeadersToAdd: [],
      queryParametersToSet: [],
      queryParametersToRemove: [],
    },
  },
  dynamicMetadata: undefined,
};
const ALLOW: EvaluateResponse = {
  ...{ outcome: Outcome.OUTCOME_ALLOW, decisionId: "", reason: "", rules: [], policyRevision: "", grantReason: "" },
  ...{ elevations: [], denial: undefined, grantId: "" },
};

function raise(error: unknown): never {
  throw error;
}

const server = new Server({ "grpc.max_concurrent_streams": 10_000 });
server.addService(
  { check: AuthorizationService.check, evaluate: DecisionServiceService.evaluate },
  {
    check: (_call: ServerUnaryCall<CheckRequest, CheckResponse>, done: sendUnaryData<CheckResponse>) => done(null, OK),
    evaluate: (_call: ServerUnaryCall<EvaluateRequest, EvaluateResponse>, done: sendUnaryData<EvaluateResponse>) =>
      done(null, ALLOW),
  },
);
const { port } = await listen(server, { host: HOST, port: 0, tls: undefined });
const okBytes = CheckResponse.encode(OK).finish();
const onHttp2 = await startHttp2Server(
  { monotonicMs: () => performance.now(), onFault: raise },
  new Map([[AuthorizationService.check.path, { kind: "unary", answer: () => Promise.resolve(okBytes) }]]),
  {
    ...{ host: HOST, port: 0, tls: undefined, service: "", drainMs: 0 },
    ...{ maxReceiveBytes: 2 ** 20, maxInFlight: 10_000, deadlineMs: 60_000 },
  },
);
const app = fastify();
app.post("/access/v1/evaluation", async () => ({ decision: true }));
const httpPort = Number(new URL(await app.listen({ host: HOST, port: 0 })).port);
const metrics = createMetrics({ prefix: "null_" });
const log = createLog({ name: "null", level: "silent" });
const ops = await startOpsServer({ metrics, checks: new Map(), log }, { host: HOST, port: 0 });
answerWith({ port, http2Port: onHttp2.port, httpPort, opsPort: ops.port });
process.stdin.resume().on("close", () => process.exit());
