/**
 * The gRPC server that Envoy asks: Check and grpc.health on one port. Messages that cannot be decoded or are too large are passed on as such, so
 * that they are denied and logged; the transport cuts off only what exceeds the hard limit. Above the limit of checks in flight, and when a check
 * has waited for half of its deadline before it could begin, the answer is an immediate denial, `overloaded`. Shutdown is graceful: health says
 * NOT_SERVING, checks in progress are answered, then connections are closed.
 */
import { status } from "@grpc/grpc-js";
import type { ServerTls } from "../../../platform/config/pem-files.ts";
import { deadlineIn } from "../../../platform/deadline.ts";
import { startHttp2Server } from "../../../platform/grpc/http2/server.ts";
import type { Serving, Terms } from "../../../platform/grpc/terms.ts";
import { AuthorizationService, CheckResponse } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { StatusCode } from "../../../proto/gen/envoy/type/v3/http_status.ts";
import type { Faults } from "../ports.ts";
import { headerOptions } from "./check-response.ts";
import type { Arrived, Check, RpcFailure } from "./edge.ts";
import { readCheck } from "./read-check.ts";

const SERVICE = "envoy.service.auth.v3.Authorization";
/** Beyond it the transport refuses, before the whole message is read. */
const HARD_LIMIT_FACTOR = 4;

/** NB: for an answer that could not be made. A gRPC error in its place would be left to the proxy's `failure_mode_allow`. */
const LAST_RESORT: CheckResponse = {
  status: { code: status.PERMISSION_DENIED, message: "", details: [] },
  httpResponse: {
    $case: "deniedResponse",
    value: {
      status: { code: StatusCode.ServiceUnavailable },
      headers: headerOptions([["retry-after", "2"]]),
      body: "",
    },
  },
  dynamicMetadata: undefined,
};

type CheckServerOptions = {
  readonly host: string;
  readonly port: number;
  readonly tls: ServerTls | undefined;
  readonly maxMessageBytes: number;
  readonly maxInFlight: number;
  /** Deadline of one check, from its last byte, if the enforcer states none or a later one. */
  readonly deadlineMs: number;
  readonly drainMs: number;
};

type CheckServerDeps = {
  readonly check: Check;
  readonly faults: Faults;
  readonly monotonicMs: () => number;
};

export type CheckServer = Serving;

export function startCheckServer(
  { check, faults, monotonicMs }: CheckServerDeps,
  options: CheckServerOptions,
): Promise<CheckServer> {
  const { maxMessageBytes } = options;
  const lastResort = CheckResponse.encode(LAST_RESORT).finish();

  /** Never rejects. Envoy names its span in the metadata of this call; the traceparent in the described request is the client's. */
  async function answer(message: Buffer, { leftMs, shed, traceparent }: Terms): Promise<Uint8Array | RpcFailure> {
    try {
      const deadline = deadlineIn(leftMs, monotonicMs);
      return await check(arrivedFrom(message, maxMessageBytes), deadline, { shed, traceparent });
    } catch (error) {
      faults.report(error);
      return lastResort;
    }
  }

  return startHttp2Server(
    { monotonicMs, onFault: faults.report },
    new Map([[AuthorizationService.check.path, { kind: "unary", answer }]]),
    { ...options, service: SERVICE, maxReceiveBytes: maxMessageBytes * HARD_LIMIT_FACTOR },
  );
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
