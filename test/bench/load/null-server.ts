/**
 * The floor: the same transports as the decision service, with the same generated code and the same HTTP framework, that look at nothing and
 * say yes: Check and Evaluate over gRPC, and a route over HTTP. Whatever a decision costs beyond them is ours. Serves the same process
 * metrics. Says its ports in one line, then runs until whoever started it is gone.
 */
import { type sendUnaryData, Server, type ServerUnaryCall } from "@grpc/grpc-js";
import fastify from "fastify";
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
  type CheckResponse,
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
const app = fastify();
app.post("/access/v1/evaluation", async () => ({ decision: true }));
const httpPort = Number(new URL(await app.listen({ host: HOST, port: 0 })).port);
const metrics = createMetrics({ prefix: "null_" });
const log = createLog({ name: "null", level: "silent" });
const ops = await startOpsServer({ metrics, checks: new Map(), log }, { host: HOST, port: 0 });
answerWith({ port, httpPort, opsPort: ops.port });
process.stdin.resume().on("close", () => process.exit());
