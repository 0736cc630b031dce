/**
 * The gRPC server that Envoy asks: Check and grpc.health on one port. Messages that cannot be decoded or are too large
 * reach the check as such, so that they are denied and logged; only what is beyond the hard limit is cut off by gRPC.
 * Above the limit of checks in flight the answer is an immediate deny `overloaded`. The end is graceful: health says
 * NOT_SERVING, checks under way are answered, then connections are closed.
 */
import type { sendUnaryData, ServerUnaryCall } from "@grpc/grpc-js";
import type { ServerTls } from "../../../platform/config/pem-files.ts";
import { createUnaryServer, type Serving } from "../../../platform/grpc/unary-server.ts";
import { AuthorizationService } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import type { Deadline, Faults } from "../ports.ts";
import { type Answer, type Arrived, type Check, RpcFailure } from "./edge.ts";
import { readCheck } from "./read-check.ts";

const SERVICE = "envoy.service.auth.v3.Authorization";
/** Beyond it gRPC itself refuses, before the message is read whole. */
const HARD_LIMIT_FACTOR = 4;

type Sent = Exclude<Answer, RpcFailure>;

type CheckServerOptions = {
  readonly host: string;
  readonly port: number;
  readonly tls: ServerTls | undefined;
  readonly maxMessageBytes: number;
  readonly maxInFlight: number;
  /** Time of one check when the enforcer states no deadline, or a later one. */
  readonly deadlineMs: number;
  readonly drainMs: number;
};

type CheckServerDeps = {
  readonly check: Check;
  readonly faults: Faults;
  readonly monotonicMs: () => number;
  readonly wallMs: () => number;
};

export type CheckServer = Serving;

export async function startCheckServer(deps: CheckServerDeps, options: CheckServerOptions): Promise<CheckServer> {
  const { check, faults, monotonicMs } = deps;
  const { maxMessageBytes } = options;
  const { server, take, listen } = createUnaryServer(deps, {
    ...options,
    service: SERVICE,
    maxReceiveBytes: maxMessageBytes * HARD_LIMIT_FACTOR,
  });

  const definition = {
    check: {
      ...AuthorizationService.check,
      requestDeserialize: (bytes: Buffer): Arrived => arrivedFrom(bytes, maxMessageBytes),
      responseSerialize: (answer: Sent): Buffer =>
        Buffer.isBuffer(answer) ? answer : AuthorizationService.check.responseSerialize(answer),
    },
  };
  server.addService(definition, {
    check(call: ServerUnaryCall<Arrived, Sent>, done: sendUnaryData<Sent>) {
      void answer(call, done);
    },
  });

  /** Envoy names its span of this call as the caller's; what stands in the request that it asks about is the client's. */
  async function answer(call: ServerUnaryCall<Arrived, Sent>, done: sendUnaryData<Sent>) {
    try {
      await take(call, async ({ leftMs, shed, traceparent }) => {
        const answered = await check(call.request, deadlineIn(leftMs), { shed, traceparent });
        if (answered instanceof RpcFailure) done({ code: answered.code, details: answered.message });
        else done(null, answered);
      });
    } catch (error) {
      faults.report(error);
    }
  }

  function deadlineIn(ms: number): Deadline {
    const end = monotonicMs() + ms;
    const leftMs = () => end - monotonicMs();
    return { leftMs, within: (shorter) => deadlineIn(Math.min(shorter, leftMs())) };
  }

  return listen(options);
}

/** Never throws: an undecodable message is denied like any other, not answered with a gRPC error. */
function arrivedFrom(bytes: Buffer, maxBytes: number): Arrived {
  if (bytes.length > maxBytes) return { kind: "oversize" };
  try {
    return { kind: "request", request: readCheck(bytes), bytes };
  } catch {
    return { kind: "undecodable", bytes };
  }
}
