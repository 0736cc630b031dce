/**
 * `countersign.v1.DecisionService` and grpc.health (and, if asked for, reflection) on one port: the questions of AuthZEN in protobuf, with the third outcome
 * in the open. Callers are those of the HTTP interface and known by the same rules. gRPC errors are for what was not
 * evaluated, and are never an allow: UNAUTHENTICATED, PERMISSION_DENIED, INVALID_ARGUMENT, RESOURCE_EXHAUSTED.
 */
import { type sendUnaryData, type ServerUnaryCall, status, type UntypedServiceImplementation } from "@grpc/grpc-js";
import type { Question } from "../../../../core/domain/question.ts";
import type { ServerTls } from "../../../../platform/config/pem-files.ts";
import type { Serving } from "../../../../platform/grpc/terms.ts";
import { createUnaryServer } from "../../../../platform/grpc/unary-server.ts";
import type { Metrics } from "../../../../platform/metrics/metrics.ts";
import { createPause } from "../../../../platform/pause.ts";
import {
  DecisionServiceService,
  type EvaluateBatchRequest,
  type EvaluateBatchResponse,
  type EvaluateRequest,
  type EvaluateResponse,
  Mode,
  Outcome,
  Semantic,
} from "../../../../proto/gen/countersign/v1/decision.ts";
import type { ApiCallers, Answered, AskQuestion, Authenticated } from "../../api/ports.ts";
import type { Deadline, Faults } from "../../ports.ts";
import { namesIn } from "../certificate-names.ts";
import { addReflection } from "./reflection.ts";
import { NOT_EVALUATED, questionFrom, responseOf } from "./translate.ts";

const SERVICE = "countersign.v1.DecisionService";
const PAUSE_AFTER_MS = 2;

type DecisionServerDeps = {
  readonly ask: AskQuestion;
  readonly callers: ApiCallers;
  readonly newDeadline: (ms: number) => Deadline;
  readonly wallMs: () => number;
  readonly faults: Faults;
  readonly metrics: Metrics;
};

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

type DecisionServer = Serving;

/** What is said instead of an answer. */
class Refusal extends Error {
  readonly code: status;
  constructor(code: status, details: string) {
    super(details);
    this.code = code;
  }
}

type Ask = (question: Question, mode: "enforce" | "ask") => Promise<Answered>;

export async function startDecisionServer(
  { ask, callers, newDeadline, wallMs, faults, metrics }: DecisionServerDeps,
  options: DecisionServerOptions,
): Promise<DecisionServer> {
  const calls = metrics.counter("grpc_decision_calls_total", "calls of DecisionService by method and status", [
    "method",
    "status",
  ]);
  const { server, take, listen } = createUnaryServer(
    { wallMs },
    { ...options, service: SERVICE, maxReceiveBytes: options.maxMessageBytes },
  );

  function unary<Request, Response>(
    method: string,
    answer: (request: Request, caller: Authenticated, ask: Ask) => Promise<Response>,
  ) {
    return (call: ServerUnaryCall<Request, Response>, done: sendUnaryData<Response>): void => {
      void take(call, async ({ leftMs, shed, traceparent }) => {
        try {
          if (shed) throw new Refusal(status.RESOURCE_EXHAUSTED, "too many calls at once");
          const caller = await callerOf(callers, call);
          const deadline = newDeadline(leftMs);
          const response = await answer(call.request, caller, (question, mode) =>
            ask(callers.inOwnWords(caller, question), {
              vouched: callers.vouch(caller, question.subject),
              deadline,
              mode,
              traceparent,
            }),
          );
          calls.inc({ method, status: "OK" });
          done(null, response);
        } catch (error) {
          const refusal = error instanceof Refusal ? error : new Refusal(status.INTERNAL, "something went wrong here");
          if (refusal !== error) faults.report(error);
          calls.inc({ method, status: status[refusal.code] });
          done({ code: refusal.code, details: refusal.message });
        }
      });
    };
  }

  const service: UntypedServiceImplementation = {
    evaluate: unary<EvaluateRequest, EvaluateResponse>("Evaluate", async (request, caller, asking) => {
      const question = questionFrom(request);
      if (question.kind === "refused") throw new Refusal(status.INVALID_ARGUMENT, question.why);
      const enforces = request.mode === Mode.MODE_ENFORCE;
      if (enforces && !(caller.kind === "client" && caller.client.enforcer)) {
        throw new Refusal(status.PERMISSION_DENIED, "this caller is not configured as an enforcer");
      }
      return responseOf(await asking(question.value, enforces ? "enforce" : "ask"));
    }),
    evaluateBatch: unary<EvaluateBatchRequest, EvaluateBatchResponse>("EvaluateBatch", (request, _caller, asking) =>
      evaluateAll(request, options.maxBatch, asking),
    ),
  };
  server.addService(DecisionServiceService, service);
  if (options.grpcReflection) await addReflection(server);
  return listen(options);
}

async function callerOf(
  callers: ApiCallers,
  call: Pick<ServerUnaryCall<unknown, unknown>, "metadata" | "getAuthContext">,
): Promise<Authenticated> {
  const caller = await callers.authenticate({
    authorization: call.metadata.get("authorization").map(String),
    certificateNames: namesIn(call.getAuthContext()?.sslPeerCertificate?.subjectaltname),
  });
  if (caller.kind === "refused") throw new Refusal(status.UNAUTHENTICATED, `show who is calling: ${caller.reason}`);
  return caller;
}

async function evaluateAll(
  { evaluations, semantic }: EvaluateBatchRequest,
  maxBatch: number,
  ask: Ask,
): Promise<EvaluateBatchResponse> {
  if (evaluations.length > maxBatch) throw new Refusal(status.INVALID_ARGUMENT, `more than ${maxBatch} evaluations`);
  if (evaluations.some(({ mode }) => mode === Mode.MODE_ENFORCE)) {
    throw new Refusal(status.INVALID_ARGUMENT, "a batch cannot be enforced; evaluate one by one");
  }
  const pause = createPause(PAUSE_AFTER_MS);
  const made: EvaluateResponse[] = [];
  for (const one of evaluations) {
    const question = questionFrom(one);
    const response = question.kind === "read" ? responseOf(await ask(question.value, "ask")) : NOT_EVALUATED;
    made.push(response);
    const allows = response.outcome === Outcome.OUTCOME_ALLOW;
    if (semantic === Semantic.SEMANTIC_DENY_ON_FIRST_DENY && !allows) break;
    if (semantic === Semantic.SEMANTIC_PERMIT_ON_FIRST_PERMIT && allows) break;
    await pause();
  }
  return { evaluations: made };
}
