/** The moves that the story makes more than once: be denied, ask, approve. Each is one call with what must come of it. */
import { type Answer, textAt } from "../../platform/programs/client.ts";
import { eventually, members, POLITE_MS } from "./see.ts";
import type { Stage } from "./stage.ts";

export const REASON = "the customer cancelled and was charged twice";

/** Long enough for a denial or grant to arrive on a busy machine; the story tells how long it really took. */
export const ARRIVAL_MS = 30_000;

/**
 * The first answer that is one. 503 says to come back: a denial is named only once the stream has it, and a use is counted by the database, and each
 * has no more than 150 ms, which a busy machine may need for something else. Nothing has happened then, and nothing was used.
 */
export async function answerOf(call: () => Promise<Answer>): Promise<Answer> {
  return (await eventually("an answer", ARRIVAL_MS, call, ({ status }) => status !== 503)).answer;
}

/** Let through: neither denied nor told to come back. */
export function passes({ status }: Answer): boolean {
  return status !== 403 && status !== 503;
}

/** dana's call ends in a denial that may be submitted; its id. */
export async function deniedId(stage: Stage, method: string, path: string, body?: unknown): Promise<string> {
  const { proxy } = await stage.as("dana");
  return textAt((await answerOf(() => proxy(method, path, { body }))).body, "denial_id");
}

/** dana submits a denial. It may still be on its way to the approval service, which then says 404 and when to try again. */
export async function submitted(stage: Stage, denialId: string, requested: object = {}): Promise<Answer> {
  const { approvals } = await stage.as("dana");
  const submit = () =>
    approvals("POST", "/v1/requests", { body: { denial_id: denialId, justification: REASON, requested } });
  const { answer } = await eventually("the denial to arrive", ARRIVAL_MS, submit, ({ status }) => status !== 404, {
    everyMs: POLITE_MS,
  });
  return answer;
}

/** max reads a request and approves what he read, or less. */
export async function approved(stage: Stage, requestId: string, narrowing: object = {}): Promise<Answer> {
  const { approvals } = await stage.as("max");
  const { body } = await approvals("GET", `/v1/requests/${requestId}`);
  const review = { vote: "approve", digest: textAt(body, "request", "digest"), narrowing };
  return approvals("POST", `/v1/requests/${requestId}/reviews`, { body: review });
}

/** From the denied call to a grant; its id. */
export async function granted(stage: Stage, denialId: string, narrowing: object = {}): Promise<string> {
  const { body } = await submitted(stage, denialId);
  const answer = await approved(stage, textAt(body, "request", "id"), narrowing);
  return textAt(answer.body, "grant", "id");
}

/** What a grant is, as REST shows it. */
export function terms(grant: unknown): Record<string, unknown> {
  return members(grant, "state", "scope", "uses", "max_uses");
}

/** What somebody sees whose nearest grant does not cover the call. */
export function refused(grantReason: string): Record<string, unknown> {
  return { status: 403, outcome: "needs_approval", grant_reason: grantReason };
}
