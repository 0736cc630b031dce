/**
 * `Idempotency-Key` on every write (draft-ietf-httpapi-idempotency-key-header): a client that did not get the answer sends the same call again
 * and gets it. One call holds the key; its effect and its answer are committed together, so a repeat gets that answer, also after a restart and
 * from another process. The same key with another call is 409, and so is a repeat while the first is in progress.
 *
 * Not stored, because nothing was done: refusals that are not recorded (unknown, malformed, 412, 429 …) and faults. Such a call may be sent again
 * with its key, and is then processed anew.
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import { hashJson } from "../../../core/messages/hashing.ts";
import type { HeldKey } from "./ports.ts";
import type { Settle } from "../ports.ts";
import type { IdempotencyKeys } from "./ports.ts";
import { type Answer, sendAnswer } from "./answer.ts";
import { callerOf } from "./caller.ts";
import { sendProblem } from "./problem.ts";

export type IdempotencyDeps = { readonly idempotencyKeys: IdempotencyKeys };

/** State of a call in progress; `kept` once its answer is part of a transaction. */
type Held = { readonly key: HeldKey; kept: boolean };

/** For a preHandler hook: answers the call itself unless it is the first with its key. */
export function createHold({ idempotencyKeys }: IdempotencyDeps) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const key = request.headers["idempotency-key"];
    if (request.method === "GET" || typeof key !== "string") return undefined;
    const { issuer, id, actors } = callerOf(request).party.subject;
    const caller = hashJson([issuer, id, actors.map((actor) => [actor.issuer, actor.id])]);
    const held: HeldKey = { caller, key, holder: request.id };
    const outcome = await idempotencyKeys.hold(held, fingerprintOf(request));
    switch (outcome.kind) {
      case "held":
        request.setDecorator<Held>("held", { key: held, kept: false });
        return undefined;
      case "answered":
        return sendAnswer(reply.header("idempotency-replayed", "true"), outcome.answer);
      case "in_use":
        return sendProblem(reply, "idempotency_key_in_use");
      case "reused":
        return sendProblem(reply, "idempotency_key_reused");
    }
  };
}

/** For an onSend hook: a key under which nothing was stored is released before the answer is sent. */
export function createRelease({ idempotencyKeys }: IdempotencyDeps) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const held = request.getDecorator<Held | null>("held");
    if (held === null || (held.kept && reply.statusCode < 500)) return;
    // NB: never removes an answer: a commit without a reply may have succeeded. If this fails, the key is released after its time.
    await idempotencyKeys.release(held.key).catch(() => {});
  };
}

/** For a command: stores what `answerOf` makes of its outcome; undefined is not stored. Does nothing without a key. */
export function keeping<Outcome>(
  request: FastifyRequest,
  answerOf: (outcome: Outcome) => Answer | undefined,
): Settle<Outcome> | undefined {
  const held = request.getDecorator<Held | null>("held");
  if (held === null) return undefined;
  return async (tx, outcome) => {
    const answer = answerOf(outcome);
    if (answer === undefined) return;
    await tx.answers.keep(held.key, answer);
    held.kept = true;
  };
}

/** For an answer that no transaction of ours comes with, or one that is out of reach: stores it separately. */
export async function keepAfterwards({ idempotencyKeys }: IdempotencyDeps, request: FastifyRequest, answer: Answer) {
  const held = request.getDecorator<Held | null>("held");
  if (held === null) return;
  await idempotencyKeys.keep(held.key, answer);
  held.kept = true;
}

function fingerprintOf({ method, url, headers, body }: FastifyRequest) {
  // NB: by its canonical text, so that what a proxy may reformat is still the same call.
  return hashJson([
    method,
    url,
    headers["if-match"] ?? null,
    body === undefined ? null : JSON.parse(withoutHalves(JSON.stringify(body))),
  ]);
}

/** What `JSON.stringify` writes for half a surrogate pair; before it, so that what follows is no escape, a backslash that is meant. */
const HALF_A_PAIR = /\\(?:\\|ud[89a-f][0-9a-f]{2})/g;

/** Half a character has no canonical form. It is kept as U+FFFD (core/domain/plain-text.ts), and is hashed as that. */
function withoutHalves(json: string): string {
  return json.replace(HALF_A_PAIR, (found) => (found === "\\\\" ? found : "\uFFFD"));
}
