/**
 * One request through the gateway, top to bottom: admit, read the body where the route says so, ask, forward, answer. Each
 * step that does not lead on ends in an answer of its own, and the only way to the upstream leads through a verdict that says
 * pass. What is sent is what was asked about: the same description, the same buffered bytes.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { PassThrough, type Readable } from "node:stream";
import { type Admitted, type AdmitOptions, admit } from "./admit.ts";
import { answerRefusal, answerStream, answerWhole } from "./answer.ts";
import { changeLines } from "./header-changes.ts";
import type { HeaderLine } from "./header-line.ts";
import type { Judge } from "./judge.ts";
import type { Outcome } from "./observe.ts";
import { readBody } from "./read-body.ts";
import type { RefusalReason } from "./refusal.ts";
import { mayHaveBody } from "./request-headers.ts";
import type { Upstreams } from "./upstreams.ts";

type Exchange = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  /** Tells a client that waits for `100 Continue` to send its body. */
  readonly proceed: () => void;
  /** Aborted when the client is gone or the longest time of a request is over. */
  readonly signal: AbortSignal;
};

const NO_BYTES = Buffer.alloc(0);
/** Envoy says it of a body that it has read, also of one with nothing inside; the upstream is not told. */
const WHOLE_BODY: readonly HeaderLine[] = [["x-envoy-auth-partial-body", "false"]];

export function createForward(
  { judge, upstreams }: { readonly judge: Judge; readonly upstreams: Upstreams },
  options: AdmitOptions,
) {
  return async ({ request, response, requestId, proceed, signal }: Exchange): Promise<Outcome> => {
    const refuse = (reason: RefusalReason) => answerRefusal(request, response, reason);
    const admitted = admit(request, options);
    if (admitted.kind === "refused") return refuse(admitted.reason);

    const read = await bufferedBody(admitted, request, { proceed, signal });
    if (read.kind === "too_large") return refuse("body_too_large");
    if (read.kind === "broken" || response.destroyed) return { kind: "cut" };
    if (read.kind === "too_slow") return refuse("body_too_slow");

    const { socket } = request;
    const policyLines = isRead(admitted) ? WHOLE_BODY : [];
    const judged = await judge(admitted, { socket, body: read.bytes, policyLines, requestId, signal });
    // NB: whoever no longer waits gets nothing done, whatever the verdict.
    if (signal.aborted) return { kind: "cut" };
    if (judged.kind === "stop") {
      answerWhole(request, response, judged.answer);
      return judged.outcome;
    }

    const { route, request: asked } = admitted;
    const answer = await upstreams.send({
      origin: route.upstream,
      method: asked.method,
      target: asked.target,
      authority: asked.authority,
      lines: judged.lines,
      body: read.bytes ?? streamedBody(admitted, request, proceed),
      timeoutMs: route.timeoutMs,
      signal,
    });
    if (response.destroyed) return { kind: "cut" };
    // As Envoy: while the client owes the rest of its body, the time is the client's. What waits here to be taken by the upstream is none of its.
    const late = request.complete || request.readableLength > 0 ? "upstream_timeout" : "body_too_slow";
    if (answer.kind === "failed") return refuse(signal.aborted ? late : answer.reason);
    try {
      await answerStream(request, response, { ...answer, lines: changeLines(answer.lines, judged.response) });
    } catch {
      answer.body.destroy();
      if (!response.headersSent) return refuse("upstream_invalid");
      response.destroy();
      return { kind: "cut" };
    }
    return { kind: "forwarded", status: answer.status };
  };
}

type Buffered =
  | { readonly kind: "whole"; readonly bytes: Buffer | undefined }
  | { readonly kind: "too_large" }
  | { readonly kind: "too_slow" }
  | { readonly kind: "broken" };

/** `bytes` is undefined on a route that does not look at bodies. */
async function bufferedBody(
  admitted: Admitted,
  stream: Readable,
  { proceed, signal }: Pick<Exchange, "proceed" | "signal">,
): Promise<Buffered> {
  if (admitted.route.body === "streamed") return { kind: "whole", bytes: undefined };
  if (!isRead(admitted)) return { kind: "whole", bytes: NO_BYTES };
  proceed();
  return readBody(stream, admitted.maxBufferBytes, signal);
}

/** Before the policy is asked. */
function isRead({ request: { framing }, route }: Admitted): boolean {
  return route.body !== "streamed" && mayHaveBody(framing);
}

/**
 * The body as a stream of its own: an upstream that fails ends this one, not the client's connection, on which the failure has
 * still to be told. A client that breaks off ends it without an end, so that the upstream sees a broken body, not a short one.
 */
function streamedBody({ request: { framing } }: Admitted, request: IncomingMessage, proceed: () => void) {
  if (!mayHaveBody(framing)) return undefined;
  const body = new PassThrough();
  // Whoever reads it hears of its end as well; without anybody it must not end the process.
  body.on("error", () => {});
  request.on("error", () => {});
  request.once("close", () => {
    if (!request.complete) body.destroy(new Error("the client broke off"));
  });
  proceed();
  return request.pipe(body);
}
