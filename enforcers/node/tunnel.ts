/**
 * A switch to WebSocket, on routes that take it. It is asked about like any request, once; what then passes is not looked at,
 * so its time is limited. Bytes that the client sent behind its request reach the upstream only after that has switched, and
 * nobody if it does not: they are never read as a request.
 */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type AdmitOptions, admit } from "./admit.ts";
import { answerRefusal, answerWhole, responseOn } from "./answer.ts";
import { changeLines } from "./header-changes.ts";
import { flatten, type HeaderLine } from "./header-line.ts";
import type { Judge } from "./judge.ts";
import type { Outcome } from "./observe.ts";
import type { RefusalReason } from "./refusal.ts";
import type { Upstreams } from "./upstreams.ts";

type UpgradeExchange = {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  /** What came behind the request's head. */
  readonly head: Buffer;
  readonly requestId: string;
  readonly signal: AbortSignal;
  /** Called when the tunnel stands; its promise ends with it. */
  readonly onOpen: () => void;
};

const SWITCH: readonly HeaderLine[] = [
  ["connection", "Upgrade"],
  ["upgrade", "websocket"],
];

export function createTunnel(
  { judge, upstreams }: { readonly judge: Judge; readonly upstreams: Upstreams },
  options: AdmitOptions,
) {
  return async ({ request, socket, head, requestId, signal, onOpen }: UpgradeExchange): Promise<Outcome> => {
    const response = responseOn(request, socket);
    const refuse = (reason: RefusalReason) => answerRefusal(request, response, reason);
    const admitted = admit(request, options);
    if (admitted.kind === "refused") return refuse(admitted.reason);

    const body = admitted.route.body === "streamed" ? undefined : Buffer.alloc(0);
    const judged = await judge(admitted, { socket, body, policyLines: SWITCH, requestId, signal });
    if (signal.aborted) return { kind: "cut" };
    if (judged.kind === "stop") {
      answerWhole(request, response, judged.answer);
      return judged.outcome;
    }

    const { route, request: asked } = admitted;
    const upstream = await upstreams.switchProtocols({
      origin: route.upstream,
      method: asked.method,
      target: asked.target,
      authority: asked.authority,
      lines: judged.lines,
      body: undefined,
      timeoutMs: route.timeoutMs,
      signal,
    });
    if (upstream.kind === "failed") return refuse(signal.aborted ? "upstream_timeout" : upstream.reason);
    if (signal.aborted) {
      upstream.socket.destroy();
      return { kind: "cut" };
    }
    response.writeHead(101, flatten([...SWITCH, ...changeLines(upstream.lines, judged.response)]));
    response.flushHeaders();
    response.detachSocket(socket);
    upstream.socket.write(head);
    onOpen();
    await join(socket, upstream.socket, signal);
    return { kind: "switched" };
  };
}

/** Both ways until either side ends or breaks, or the time is over. WebSocket knows no half-closed connection. */
function join(client: Socket, upstream: Duplex, signal: AbortSignal): Promise<void> {
  const ways = [
    [client, upstream],
    [upstream, client],
  ] as const;
  const closed = ways.map(([from, to]) => {
    from.on("error", () => {});
    // `pipe` ends the other side with the last byte; when that is written, the other side is done.
    from.pipe(to);
    to.once("finish", () => to.destroy());
    return new Promise<void>((resolve) => {
      from.once("close", () => {
        to.destroy();
        resolve();
      });
    });
  });
  const stop = () => client.destroy();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted || client.destroyed || upstream.destroyed) {
    client.destroy();
    upstream.destroy();
  }
  return Promise.all(closed).then(() => signal.removeEventListener("abort", stop));
}
