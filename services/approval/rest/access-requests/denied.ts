/**
 * Finds the denial that a submission is about ("Verifying the Denial Binding"). Token and evaluation id only point to it: the denial that came
 * over the stream says what was denied, what is offered and until when, and the submission is compared with that. The command checks that the
 * submitter is the denied person.
 */
import type { Denial } from "../../../../core/domain/denial.ts";
import { type Id, isId } from "../../../../core/domain/id.ts";
import type { Question } from "../../../../core/domain/question.ts";
import type { Instant } from "../../../../core/domain/time.ts";
import { bindingHash, isAbout, recordedMembers, questionHash } from "../../../../core/messages/question-binding.ts";
import type { Reads } from "../../ports.ts";
import type { ProblemCode } from "../problem-table.ts";
import type { BindingTokens } from "./profile.ts";

type Denied =
  | { readonly kind: "denied"; readonly denialId: Id<"denial"> }
  | {
      readonly kind: "refused";
      readonly reason: Extract<
        ProblemCode,
        "invalid_denial_binding" | "expired_denial" | "not_requestable" | "unknown_denial"
      >;
    };

type Submitted = {
  readonly evaluationId: string | undefined;
  readonly token: string | undefined;
  /** As the enforcer echoes it. */
  readonly expiresAt: Instant;
};

export async function deniedBy(
  { tokens, reads }: { readonly tokens: BindingTokens; readonly reads: Pick<Reads, "denial"> },
  { evaluationId, token, expiresAt }: Submitted,
  question: Question,
  now: Instant,
): Promise<Denied> {
  if (token === undefined) {
    if (evaluationId === undefined) return refused("invalid_denial_binding");
    const denial = isId("denial", evaluationId) ? await reads.denial(evaluationId) : undefined;
    if (denial === undefined) return refused("not_requestable");
    return isOf(denial, question) ? denied(denial.id) : refused("invalid_denial_binding");
  }
  const read = tokens.read(token, now);
  if (read.kind === "refused") {
    return refused(read.reason === "expired" ? "expired_denial" : "invalid_denial_binding");
  }
  const { denialId, denialExpiresAt, hash } = read.binding;
  if (evaluationId !== undefined && evaluationId !== denialId) return refused("invalid_denial_binding");
  if (expiresAt !== denialExpiresAt) return refused("invalid_denial_binding");
  const denial = await reads.denial(denialId);
  // A denial's id is returned only after it was acknowledged, so it is on its way.
  if (denial === undefined) return refused("unknown_denial");
  return isOf(denial, question) && hash === hashOf(denial, question)
    ? denied(denialId)
    : refused("invalid_denial_binding");
}

/** NB: a denial without a question (a call through Envoy) has nothing to compare with. */
function isOf({ call }: Denial, question: Question): boolean {
  return call.protocol === "api" && isAbout(call.fieldHashes, question);
}

function hashOf({ call }: Denial, question: Question): string {
  return bindingHash(questionHash(question, recordedMembers(call.fieldHashes)));
}

function denied(denialId: Id<"denial">): Denied {
  return { kind: "denied", denialId };
}

function refused(reason: Extract<Denied, { kind: "refused" }>["reason"]): Denied {
  return { kind: "refused", reason };
}
