/**
 * A gRPC server of unary calls with a deadline: its service and grpc.health on one port, a limit of calls at once beyond which calls are to
 * be shed, and a graceful end: health says NOT_SERVING, calls under way are answered, then connections are closed. What a call is answered,
 * shed or not, is the business of its handler.
 */
import { type Metadata, Server } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import type { ServerTls } from "../config/pem-files.ts";
import { firstTraceparent } from "../traces/traceparent.ts";
import { drain, listen, type Listening } from "./serve.ts";

/** Time for the answer to travel back before the caller gives up. */
const RETURN_MS = 20;

type UnaryServerOptions = {
  /** Full name, for grpc.health. */
  readonly service: string;
  /** Beyond it gRPC itself refuses, before the message is read whole. */
  readonly maxReceiveBytes: number;
  readonly maxInFlight: number;
  /** Time of a call whose caller states no deadline, or a later one. */
  readonly deadlineMs: number;
};

/** What one call has to know beside what it asks. */
type Terms = {
  /** Until the answer has to be on its way; may be negative. */
  readonly leftMs: number;
  /** Too many are under way: say so and do nothing. */
  readonly shed: boolean;
  /** The caller's span. */
  readonly traceparent: string | undefined;
};

type Call = { readonly metadata: Metadata; getDeadline(): Date | number };

type UnaryServer = {
  /** For `addService`. */
  readonly server: Server;
  /** Counts `work` among the calls under way until what it promised is settled. */
  take<T>(call: Call, work: (terms: Terms) => Promise<T>): Promise<T>;
  listen(at: {
    readonly host: string;
    readonly port: number;
    readonly tls: ServerTls | undefined;
    /** How long calls under way may take at the end. */
    readonly drainMs: number;
  }): Promise<Serving>;
};

export type Serving = AsyncDisposable &
  Listening & {
    /** What grpc.health says; no until it is told. */
    serving(yes: boolean): void;
  };

/** `wallMs`: gRPC states deadlines as moments of the wall clock. */
export function createUnaryServer(
  { wallMs }: { readonly wallMs: () => number },
  { service, maxReceiveBytes, maxInFlight, deadlineMs }: UnaryServerOptions,
): UnaryServer {
  const server = new Server({
    "grpc.max_receive_message_length": maxReceiveBytes,
    // More than that: what is beyond the limit has to arrive to be told so.
    "grpc.max_concurrent_streams": maxInFlight * 2,
    "grpc.keepalive_time_ms": 30_000,
    "grpc.keepalive_timeout_ms": 5_000,
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
        return await work({ leftMs: leftOf(call.getDeadline()), shed, traceparent });
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
