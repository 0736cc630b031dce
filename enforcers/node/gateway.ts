/**
 * The gateway's door: an HTTP/1.1 server with a strict parser and bounded times and sizes, which hands each request to the
 * forwarding path and each permitted upgrade to a tunnel. The end is graceful: no new connections, what is under way is
 * finished, then everything is cut.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { portOf, STRICT, superviseConnections } from "../../platform/http/connections.ts";
import { type AdmitOptions, admit } from "./admit.ts";
import { answerRefusal, responseOn } from "./answer.ts";
import { createForward } from "./forward.ts";
import type { Judge } from "./judge.ts";
import type { Observe, Outcome } from "./observe.ts";
import { createTunnel } from "./tunnel.ts";
import type { Upstreams } from "./upstreams.ts";

type GatewayDeps = {
  readonly judge: Judge;
  readonly upstreams: Upstreams;
  readonly observe: Observe;
  readonly newRequestId: () => string;
  readonly monotonicMs: () => number;
};

type GatewayOptions = AdmitOptions & {
  readonly host: string;
  readonly port: number;
  /** From the head of a request to the end of its answer, and for a tunnel. */
  readonly maxStreamMs: number;
  readonly drainMs: number;
};

type Gateway = AsyncDisposable & { readonly port: number };

/** As Envoy's defaults. */
const MAX_HEAD_BYTES = 61_440;
const HEAD_TIMEOUT_MS = 10_000;
const IDLE_CONNECTION_MS = 60_000;

export async function startGateway(deps: GatewayDeps, options: GatewayOptions): Promise<Gateway> {
  const { observe, newRequestId, monotonicMs } = deps;
  const { host, port, maxStreamMs, drainMs } = options;
  const forward = createForward(deps, options);
  const openTunnel = createTunnel(deps, options);
  const tunnels = new Set<AbortController>();

  const server = createServer({
    ...STRICT,
    maxHeaderSize: MAX_HEAD_BYTES,
    headersTimeout: Math.min(HEAD_TIMEOUT_MS, maxStreamMs),
    // Beyond our own time for a request, whose answer says more.
    requestTimeout: HEAD_TIMEOUT_MS + maxStreamMs,
    keepAliveTimeout: IDLE_CONNECTION_MS,
    shouldUpgradeCallback: (request) => {
      const admitted = admit(request, options);
      return admitted.kind === "admitted" && admitted.request.upgrade !== undefined;
    },
  });
  const connections = superviseConnections(server);
  server.on("request", (request, response) => void serve(request, response, () => {}));
  server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
    void serve(request, response, () => response.writeContinue());
  });
  server.on("upgrade", (request, socket, head) => void upgrade(request, socket, head));
  server.on("connect", refuseConnect);

  /** `end` is called once, with what became of it. */
  function begin(request: IncomingMessage) {
    const started = monotonicMs();
    const requestId = newRequestId();
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), maxStreamMs);
    const { method, url } = request;
    const end = (outcome: Outcome) => {
      clearTimeout(timer);
      observe.finished({ outcome, requestId, method, url, durationMs: monotonicMs() - started });
    };
    return { requestId, stop, end };
  }

  async function serve(request: IncomingMessage, response: ServerResponse, proceed: () => void): Promise<void> {
    const { requestId, stop, end } = begin(request);
    response.once("close", () => {
      if (!response.writableFinished) stop.abort();
    });
    let outcome: Outcome = { kind: "cut" };
    try {
      outcome = await forward({ request, response, requestId, proceed, signal: stop.signal });
    } catch (error) {
      observe.fault(error);
      outcome = { kind: "refused", reason: "internal_error" };
      if (response.headersSent) response.destroy();
      else answerRefusal(request, response, "internal_error");
    }
    // Also when it was the time that ran out: nobody waits for an answer that will not come.
    if (outcome.kind === "cut") response.destroy();
    end(outcome);
  }

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { requestId, stop, end } = begin(request);
    let outcome: Outcome = { kind: "cut" };
    socket.on("error", () => stop.abort());
    socket.once("close", () => stop.abort());
    try {
      if (!(socket instanceof Socket)) throw new Error("an upgrade without a socket");
      const onOpen = () => void tunnels.add(stop);
      outcome = await openTunnel({ request, socket, head, requestId, signal: stop.signal, onOpen });
    } catch (error) {
      observe.fault(error);
      socket.destroy();
    }
    tunnels.delete(stop);
    end(outcome);
  }

  /** Of a client that takes this for a proxy. Nobody else would answer it: the server would hang up. */
  function refuseConnect(request: IncomingMessage, socket: Duplex): void {
    const { end } = begin(request);
    socket.on("error", () => socket.destroy());
    if (socket instanceof Socket) end(answerRefusal(request, responseOn(request, socket), "method_refused"));
  }

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });

  return {
    port: portOf(server),
    [Symbol.asyncDispose]() {
      for (const tunnel of tunnels) tunnel.abort();
      return connections.drain(drainMs, () => new Promise<void>((resolve) => server.close(() => resolve())));
    },
  };
}
