/**
 * The gRPC server that Envoy asks: Check and grpc.health on one port. Messages that cannot be decoded or are too large
 * reach the check as such, so that they are denied and logged; only what is beyond the hard limit is cut off by gRPC.
 * Above the limit of checks in flight the answer is an immediate deny `overloaded`. The end is graceful: health says
 * NOT_SERVING, checks under way are answered, then connections are closed.
 */
import { type sendUnaryData, Server, type ServerOptions, type ServerUnaryCall } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import type { ServerTls } from "../../../platform/config/pem-files.ts";
import { drain, listen, type Listening } from "../../../platform/grpc/serve.ts";
import { firstTraceparent } from "../../../platform/traces/traceparent.ts";
import { AuthorizationService } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import type { Deadline, Faults } from "../ports.ts";
import { type Answer, type Arrived, type Check, RpcFailure } from "./edge.ts";
import { readCheck } from "./read-check.ts";

const SERVICE = "envoy.service.auth.v3.Authorization";
/** Time for the answer to travel back before the enforcer gives up. */
const RETURN_MS = 20;
/** Beyond it gRPC itself refuses, before the message is read whole. */
const HARD_LIMIT_FACTOR = 4;

type Sent = Exclude<Answer, RpcFailure>;

export type CheckServerOptions = {
  readonly host: string;
  readonly port: number;
  readonly tls: ServerTls | undefined;
  readonly maxMessageBytes: number;
  readonly maxInFlight: number;
  /** Time of one check when the enforcer states no deadline, or a later one. */
  readonly deadlineMs: number;
  readonly drainMs: number;
};

export type CheckServerDeps = {
  readonly check: Check;
  readonly faults: Faults;
  readonly monotonicMs: () => number;
  readonly wallMs: () => number;
};

export type CheckServer = AsyncDisposable &
  Listening & {
    serving(yes: boolean): void;
  };

export async function startCheckServer(deps: CheckServerDeps, options: CheckServerOptions): Promise<CheckServer> {
  const { check, faults, monotonicMs, wallMs } = deps;
  const { maxMessageBytes } = options;
  const settings: ServerOptions = {
    "grpc.max_receive_message_length": maxMessageBytes * HARD_LIMIT_FACTOR,
    // More than that: what is beyond the limit has to arrive to be answered `overloaded`.
    "grpc.max_concurrent_streams": options.maxInFlight * 2,
    "grpc.keepalive_time_ms": 30_000,
    "grpc.keepalive_timeout_ms": 5_000,
  };
  const server = new Server(settings);
  const health = new HealthImplementation({ "": "NOT_SERVING", [SERVICE]: "NOT_SERVING" });
  health.addToServer(server);
  let inFlight = 0;

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

  async function answer(call: ServerUnaryCall<Arrived, Sent>, done: sendUnaryData<Sent>) {
    const shed = inFlight >= options.maxInFlight;
    inFlight += 1;
    try {
      const deadline = deadlineIn(Math.min(options.deadlineMs, leftOf(call.getDeadline())));
      // Envoy names its span of this call here; what stands in the request that it asks about is the client's.
      const traceparent = firstTraceparent(call.metadata.get("traceparent"));
      const answered = await check(call.request, deadline, { shed, traceparent });
      if (answered instanceof RpcFailure) done({ code: answered.code, details: answered.message });
      else done(null, answered);
    } catch (error) {
      faults.report(error);
    } finally {
      inFlight -= 1;
    }
  }

  function leftOf(deadline: Date | number): number {
    const leftMs = Number(deadline) - wallMs() - RETURN_MS;
    return Number.isNaN(leftMs) ? options.deadlineMs : leftMs;
  }

  function deadlineIn(ms: number): Deadline {
    const end = monotonicMs() + ms;
    const leftMs = () => end - monotonicMs();
    return { leftMs, within: (shorter) => deadlineIn(Math.min(shorter, leftMs())) };
  }

  const listening = await listen(server, options);

  function serving(yes: boolean): void {
    const state = yes ? "SERVING" : "NOT_SERVING";
    health.setStatus("", state);
    health.setStatus(SERVICE, state);
  }

  return {
    ...listening,
    serving,
    [Symbol.asyncDispose]() {
      serving(false);
      return drain(server, options.drainMs);
    },
  };
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
