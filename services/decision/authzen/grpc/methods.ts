/**
 * The methods of `countersign.v1.DecisionService`, from bytes to bytes, for either server. Callers and rules are those of the HTTP interface.
 * gRPC errors mean that nothing was evaluated and are never an allow: UNAUTHENTICATED, PERMISSION_DENIED, INVALID_ARGUMENT, RESOURCE_EXHAUSTED,
 * DEADLINE_EXCEEDED, UNAVAILABLE if the keys of a token's issuer are not here, CANCELLED if the caller has gone, and INTERNAL for what cannot be
 * decoded and for our own faults.
 */
import type { BinaryReader } from "@bufbuild/protobuf/wire";
import { status } from "@grpc/grpc-js";
import type { Failure } from "../../../../platform/grpc/http2/failure.ts";
import type { Peer, Terms } from "../../../../platform/grpc/terms.ts";
import { NotUtf8, utf8Reader } from "../../../../platform/grpc/utf8-reader.ts";
import type { Metrics } from "../../../../platform/metrics/metrics.ts";
import type { Pause } from "../../../../platform/shared-pause.ts";
import {
  type DecisionServiceService,
  EvaluateBatchRequest,
  EvaluateBatchResponse,
  EvaluateRequest,
  EvaluateResponse,
  Mode,
  Outcome,
  Semantic,
} from "../../../../proto/gen/countersign/v1/decision.ts";
import type { ApiCallers, Ask, Asking, Authenticated, NotKnown } from "../../api/ports.ts";
import type { Deadline, Faults } from "../../ports.ts";
import { lostIn } from "./lost-values.ts";
import { NOT_EVALUATED, questionFrom, responseOf, TOO_LATE } from "./translate.ts";

export type MethodDeps = {
  readonly asking: Asking;
  readonly callers: Pick<ApiCallers, "authenticate">;
  readonly newDeadline: (ms: number) => Deadline;
  readonly faults: Faults;
  readonly metrics: Metrics;
  /** Before each evaluation of a batch, of all requests of the API together. */
  readonly pause: Pause;
};

/** Never rejects. */
export type DecisionMethod = (message: Buffer, terms: Terms, peer: Peer) => Promise<Uint8Array | Failure>;

export type DecisionMethods = { readonly [Name in keyof typeof DecisionServiceService]: DecisionMethod };

/** What is said instead of an answer. */
class Refusal extends Error {
  readonly code: status;
  constructor(code: status, details: string) {
    super(details);
    this.code = code;
  }
}

/** What is asked, and by whom. */
type Asked = {
  readonly caller: Authenticated;
  readonly ask: Ask;
  readonly deadline: Deadline;
  readonly isGone: Terms["isGone"];
};

const KINDS = { Evaluate: "request", EvaluateBatch: "batch" } as const;

type Answer<Request> = (request: Request, asked: Asked) => Promise<Uint8Array>;

export function createDecisionMethods(
  { asking, callers, newDeadline, faults, metrics, pause }: MethodDeps,
  { maxBatch }: { readonly maxBatch: number },
): DecisionMethods {
  const calls = metrics.counter("grpc_decision_calls_total", "calls of DecisionService by method and status", [
    "method",
    "status",
  ]);

  function unary<Request>(
    method: keyof typeof KINDS,
    decode: (message: BinaryReader) => Request,
    answer: Answer<Request>,
  ): DecisionMethod {
    return async (message, { leftMs, shed, traceparent, isGone }, peer) => {
      try {
        if (shed) throw new Refusal(status.RESOURCE_EXHAUSTED, "too many calls at once");
        const deadline = newDeadline(leftMs);
        const caller = await callerOf(callers, peer, () => deadline.leftMs() <= 0 || isGone());
        const request = decoded(decode, message, KINDS[method]);
        const response = await asking.during({ caller, deadline, traceparent }, (ask) =>
          answer(request, { caller, ask, deadline, isGone }),
        );
        calls.inc({ method, status: "OK" });
        return response;
      } catch (error) {
        const refusal = error instanceof Refusal ? error : new Refusal(status.INTERNAL, "something went wrong here");
        if (refusal !== error) faults.report(error);
        calls.inc({ method, status: status[refusal.code] });
        return { code: refusal.code, message: refusal.message };
      }
    };
  }

  return {
    evaluate: unary("Evaluate", EvaluateRequest.decode, async (request, { caller, ask }) => {
      const question = questionFrom(request);
      if (question.kind === "refused") throw new Refusal(status.INVALID_ARGUMENT, question.why);
      const mode = asking.modeOf(caller, request.mode === Mode.MODE_ENFORCE ? "enforce" : "ask");
      if (mode === undefined) {
        throw new Refusal(status.PERMISSION_DENIED, "this caller is not configured as an enforcer");
      }
      const response = responseOf(await ask(question.value, mode));
      return EvaluateResponse.encode(response).finish();
    }),
    evaluateBatch: unary("EvaluateBatch", EvaluateBatchRequest.decode, async (request, asked) => {
      const evaluations = await evaluateAll(request, asked, { maxBatch, pause });
      return EvaluateBatchResponse.encode({ evaluations }).finish();
    }),
  };
}

function decoded<Request>(
  decode: (message: BinaryReader) => Request,
  message: Buffer,
  kind: Parameters<typeof lostIn>[1],
): Request {
  try {
    const request = decode(utf8Reader(message));
    const fault = lostIn(message, kind);
    if (fault !== undefined) throw new Refusal(status.INVALID_ARGUMENT, fault);
    return request;
  } catch (error) {
    if (error instanceof Refusal) throw error;
    if (error instanceof NotUtf8) throw new Refusal(status.INVALID_ARGUMENT, error.message);
    throw new Refusal(status.INTERNAL, "the message cannot be decoded");
  }
}

/** Of callers who are not known, before there is a message. */
export function createRefusal(
  callers: MethodDeps["callers"],
): (peer: Peer, isGone: () => boolean) => Promise<Failure | undefined> {
  return async (peer, isGone) => {
    const caller = await authenticate(callers, peer, isGone);
    return "reason" in caller ? failureOf(caller) : undefined;
  };
}

async function callerOf(callers: MethodDeps["callers"], peer: Peer, isLate: () => boolean): Promise<Authenticated> {
  const caller = await authenticate(callers, peer, isLate);
  if (!("reason" in caller)) return caller;
  const { code, message } = failureOf(caller);
  throw new Refusal(code, message);
}

function authenticate(
  callers: MethodDeps["callers"],
  peer: Peer,
  isLate: () => boolean,
): ReturnType<ApiCallers["authenticate"]> {
  const shown = {
    authorization: peer.authorization(),
    certificateNames: peer.certificateNames,
    certificate: peer.certificate,
  };
  return callers.authenticate(shown, isLate);
}

function failureOf(caller: NotKnown): Failure {
  if (caller.kind === "refused")
    return { code: status.UNAUTHENTICATED, message: `show who is calling: ${caller.reason}` };
  if (caller.kind === "unverifiable")
    return { code: status.UNAVAILABLE, message: "the keys of the token's issuer are not available: keys_unavailable" };
  return caller.reason === "overloaded"
    ? { code: status.RESOURCE_EXHAUSTED, message: "too many callers wait to be known" }
    : { code: status.DEADLINE_EXCEEDED, message: "the deadline of the call has passed" };
}

/** Nothing is read, asked or put on record for a caller who has gone; an item for which no time is left is not evaluated. */
async function evaluateAll(
  { evaluations, semantic }: EvaluateBatchRequest,
  { ask, deadline, isGone }: Asked,
  { maxBatch, pause }: { readonly maxBatch: number; readonly pause: Pause },
): Promise<EvaluateResponse[]> {
  if (evaluations.length > maxBatch) throw new Refusal(status.INVALID_ARGUMENT, `more than ${maxBatch} evaluations`);
  if (evaluations.some(({ mode }) => mode === Mode.MODE_ENFORCE)) {
    throw new Refusal(status.INVALID_ARGUMENT, "a batch cannot be enforced; evaluate one by one");
  }
  const made: EvaluateResponse[] = [];
  const answerTo = async (one: EvaluateRequest) => {
    const question = questionFrom(one);
    return question.kind === "read" ? responseOf(await ask(question.value, "ask")) : NOT_EVALUATED;
  };
  for (const one of evaluations) {
    await pause();
    if (isGone()) throw new Refusal(status.CANCELLED, "the caller has gone");
    const response = deadline.leftMs() > 0 ? await answerTo(one) : TOO_LATE;
    made.push(response);
    const allows = response.outcome === Outcome.OUTCOME_ALLOW;
    if (semantic === Semantic.SEMANTIC_DENY_ON_FIRST_DENY && !allows) break;
    if (semantic === Semantic.SEMANTIC_PERMIT_ON_FIRST_PERMIT && allows) break;
  }
  return made;
}
