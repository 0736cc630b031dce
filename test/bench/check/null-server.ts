/**
 * The floor: a gRPC server that decodes a CheckRequest with the same generated code as the decision service, looks at nothing, and answers
 * OK. Whatever a check costs beyond it is ours. Serves the same process metrics. Says its ports in one line, then runs until it is killed.
 */
import { type sendUnaryData, Server, type ServerUnaryCall } from "@grpc/grpc-js";
import { listen } from "../../../platform/grpc/serve.ts";
import { startOpsServer } from "../../../platform/http/ops-server.ts";
import { createLog } from "../../../platform/log/log.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import {
  AuthorizationService,
  type CheckRequest,
  type CheckResponse,
} from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";

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

const server = new Server({ "grpc.max_concurrent_streams": 10_000 });
server.addService(
  { check: AuthorizationService.check },
  {
    check: (_call: ServerUnaryCall<CheckRequest, CheckResponse>, done: sendUnaryData<CheckResponse>) => done(null, OK),
  },
);
const { port } = await listen(server, { host: HOST, port: 0, tls: undefined });
const metrics = createMetrics({ prefix: "null_" });
const log = createLog({ name: "null", level: "silent" });
const ops = await startOpsServer({ metrics, checks: new Map(), log }, { host: HOST, port: 0 });
process.stdout.write(`${JSON.stringify({ port, opsPort: ops.port })}\n`);
process.stdin.resume().on("close", () => process.exit()); // whoever started it is gone
