/**
 * A gRPC server of unary calls with a deadline: its service and grpc.health on one port, a limit of concurrent calls beyond which calls are to be
 * shed, and a graceful end: health says NOT_SERVING, calls in progress are answered, then connections are closed. How a call is answered, shed or
 * not, is up to its handler.
 */
import { type Metadata, Server } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import { firstTraceparent } from "../traces/traceparent.ts";
import { drain, listen } from "./serve.ts";
import {
  KEEPALIVE,
  type ListenAt,
  maxStreams,
  RETURN_MS,
  type Serving,
  type Terms,
  type UnaryServerOptions,
} from "./terms.ts";

type Call = { readonly metadata: Metadata; readonly cancelled: boolean; getDeadline(): Date | number };

type UnaryServer = {
  /** For `addService`. */
  readonly server: Server;
  /** Counts `work` among the calls under way until what it promised is settled. */
  take<T>(call: Call, work: (terms: Terms) => Promise<T>): Promise<T>;
  /** `drainMs`: how long calls under way may take at the end. */
  listen(at: ListenAt & { readonly drainMs: number }): Promise<Serving>;
};

/** `wallMs`: gRPC states deadlines as moments of the wall clock. */
export function createUnaryServer(
  { wallMs }: { readonly wallMs: () => number },
  { service, maxReceiveBytes, maxInFlight, deadlineMs }: UnaryServerOptions,
): UnaryServer {
  const server = new Server({
    "grpc.max_receive_message_length": maxReceiveBytes,
    "grpc.max_concurrent_streams": maxStreams({ maxInFlight }),
    "grpc.keepalive_time_ms": KEEPALIVE.everyMs,
    "grpc.keepalive_timeout_ms": KEEPALIVE.withinMs,
  });
  const health = new HealthImplementation({ "": "NOT_SERVING", [service]: "NOT_SERVING" });
  health.addToServer(server);
  let inFlight = 0;

  function leftOf(deadline: Date | number): number {
    const leftMs = Number(deadline) - wallMs() - RETURN_MS;
    return Number.isNaN(leftMs) ? deadlineMs : Math.min(deadlineMs, leftMs);
  }

  return {
    server,
    async take(call, work) {
      const shed = inFlight >= maxInFlight;
      inFlight += 1;
      try {
        const traceparent = firstTraceparent(call.metadata.get("traceparent"));
        const leftMs = leftOf(call.getDeadline());
        return await work({ leftMs, shed, traceparent, isGone: () => call.cancelled });
      } finally {
        inFlight -= 1;
      }
    },
    async listen({ drainMs, ...at }) {
      const listening = await listen(server, at);
      function serving(yes: boolean): void {
        for (const name of ["", service]) health.setStatus(name, yes ? "SERVING" : "NOT_SERVING");
      }
      return {
        ...listening,
        serving,
        [Symbol.asyncDispose]() {
          serving(false);
          return drain(server, drainMs);
        },
      };
    },
  };
}
