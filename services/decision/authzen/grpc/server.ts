/**
 * `countersign.v1.DecisionService` and grpc.health on one port: the questions of AuthZEN in protobuf, with the third outcome explicit. Served on
 * node:http2 like checks, or with reflection, which needs streams, by grpc-js (reflected-server.ts).
 */
import type { ServerTls } from "../../../../platform/config/pem-files.ts";
import { startHttp2Server } from "../../../../platform/grpc/http2/server.ts";
import type { Serving } from "../../../../platform/grpc/terms.ts";
import { DecisionServiceService } from "../../../../proto/gen/countersign/v1/decision.ts";
import { createDecisionMethods, createRefusal, type MethodDeps } from "./methods.ts";
import { startReflectedServer } from "./reflected-server.ts";

const SERVICE = "countersign.v1.DecisionService";

type DecisionServerDeps = MethodDeps & { readonly monotonicMs: () => number; readonly wallMs: () => number };

type DecisionServerOptions = {
  readonly host: string;
  readonly port: number;
  readonly tls: ServerTls | undefined;
  readonly maxMessageBytes: number;
  readonly maxInFlight: number;
  /** Time of one call when its caller states no deadline, or a later one. */
  readonly deadlineMs: number;
  readonly maxBatch: number;
  readonly grpcReflection: boolean;
  readonly drainMs: number;
};

export function startDecisionServer(deps: DecisionServerDeps, options: DecisionServerOptions): Promise<Serving> {
  const { monotonicMs, wallMs, faults } = deps;
  const methods = createDecisionMethods(deps, options);
  const served = { ...options, service: SERVICE, maxReceiveBytes: options.maxMessageBytes };
  if (options.grpcReflection) return startReflectedServer({ wallMs }, methods, served);
  const { evaluate, evaluateBatch } = DecisionServiceService;
  const refusal = createRefusal(deps.callers);
  return startHttp2Server(
    { monotonicMs, onFault: faults.report },
    new Map([
      [evaluate.path, { kind: "unary", answer: methods.evaluate, refusal }],
      [evaluateBatch.path, { kind: "unary", answer: methods.evaluateBatch, refusal }],
    ]),
    served,
  );
}
