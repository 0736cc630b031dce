/**
 * Evaluation and evaluations, whichever way they came: from a body and its caller to an answer. A faulty body is a 400 with a sentence; `enforce`
 * by a caller who is not an enforcer is a 403.
 */
import { faultIn } from "../../../core/domain/json-fault.ts";
import type { Question } from "../../../core/domain/question.ts";
import type { Pause } from "../../../platform/shared-pause.ts";
import type { Asking, Authenticated } from "../api/ports.ts";
import type { Deadline, Mode } from "../ports.ts";
import { type AnswerParts, shownDecision } from "./answer.ts";
import { evaluateBatch } from "./evaluate-batch.ts";
import { questionOf, type Read, readEvaluation, readEvaluations, readQuestion } from "./question.ts";
import { readApproval } from "./reevaluation.ts";

export type EvaluationDeps = {
  readonly asking: Asking;
  readonly maxBatch: number;
  readonly answers: AnswerParts;
  /** Before each item of a batch, of all requests of the API together. */
  readonly pause: Pause;
};

/** The body of a request, with its authenticated caller. */
type Asked = {
  /** As JSON.parse made it. */
  readonly body: unknown;
  readonly caller: Authenticated;
  /** Of the whole request, from its arrival. */
  readonly deadline: Deadline;
  readonly traceparent: string | undefined;
  /** Whether nobody waits for the answer any more. */
  readonly isGone: () => boolean;
};

export type Said =
  | { readonly kind: "answer"; readonly body: object; readonly decisionId: string | undefined }
  | { readonly kind: "refused"; readonly status: 400 | 403; readonly why: string };

/** `evaluation` and `evaluations` of AuthZEN. Rejects only with what is a fault of ours. */
export type Evaluations = { readonly [Operation in "evaluation" | "evaluations"]: (asked: Asked) => Promise<Said> };

export function createEvaluations({ asking, maxBatch, answers, pause }: EvaluationDeps): Evaluations {
  function one(
    question: Question,
    context: Stated,
    mode: Mode,
    { caller, deadline, traceparent }: Asked,
  ): Promise<Said> {
    return asking.during({ caller, traceparent, deadline }, async (ask) => {
      const answered = await ask(question, mode);
      const body = shownDecision(answered, answers, readApproval(context));
      return { kind: "answer", body, decisionId: answered.evaluation.decisionId };
    });
  }

  return {
    async evaluation(asked) {
      const read = sound(readEvaluation(asked.body));
      if (read.kind === "refused") return refused(read.why);
      const body = read.value;
      const mode = asking.modeOf(asked.caller, statedMode(body.options));
      return mode === undefined ? NOT_AN_ENFORCER : await one(questionOf(body), body.context, mode, asked);
    },

    async evaluations(asked) {
      const read = sound(readEvaluations(asked.body));
      if (read.kind === "refused") return refused(read.why);
      const body = read.value;
      const stated = statedMode(body.options);
      const mode = asking.modeOf(asked.caller, stated);
      if (mode === undefined) return NOT_AN_ENFORCER;
      const items = body.evaluations ?? [];
      // Without items it is a single evaluation ("The Access Evaluations API Request").
      if (items.length === 0) {
        const question = readQuestion(body);
        return question.kind === "refused" ? refused(question.why) : one(question.value, body.context, mode, asked);
      }
      // NB: whatever the caller's default: a batch is always in mode `ask`.
      if (stated === "enforce") return refused("a batch cannot be enforced; evaluate one by one");
      if (items.length > maxBatch) return refused(`more than ${maxBatch} evaluations`);
      const semantic = body.options?.evaluations_semantic ?? "execute_all";
      const { caller, deadline, traceparent, isGone } = asked;
      return asking.during({ caller, traceparent, deadline }, async (ask) => {
        const parts = answers;
        const shown = await evaluateBatch(ask, body, items, { semantic, parts, deadline, isGone, pause });
        return { kind: "answer", body: { evaluations: shown }, decisionId: undefined };
      });
    },
  };
}

/** Undefined: none is named. What is no mode is `ask`, which changes nothing. */
function statedMode(options: { readonly countersign_mode?: string } | undefined): Mode | undefined {
  const stated = options?.countersign_mode;
  return stated === undefined || stated === "enforce" ? stated : "ask";
}

type Stated = Parameters<typeof readApproval>[0];

const NOT_AN_ENFORCER: Said = { kind: "refused", status: 403, why: "this caller is not configured as an enforcer" };

function refused(why: string): Said {
  return { kind: "refused", status: 400, why };
}

/** Of the right shape, and without what our JSON must not contain. */
function sound<T>(read: Read<T>): Read<T> {
  if (read.kind === "refused") return read;
  const fault = faultIn(read.value);
  return fault === undefined ? read : { kind: "refused", why: fault };
}
