/**
 * One list per account at a time: a page may take as long as a hundred other reads, and one that its client does not read is held in memory.
 * Further lists wait, since a screen may load several at once; beyond that the answer is 429, as in rate-limit.ts. A turn lasts until the page
 * was made and the connection has taken it or is gone: leaving early gains nothing.
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import { createOneAtATime, type Patience } from "../../../platform/one-at-a-time.ts";
import { callerOf } from "./caller.ts";
import { sendProblem } from "./problem.ts";

/** More lists than any screen has; and how long a client that does not read can hold up each of the others. */
const PATIENCE: Patience = { maxWaiting: 20, maxWaitMs: 5_000 };

type ListTurn = () => void;

/** For a preHandler hook behind authentication. */
export function createTakeTurn({ onLimited }: { readonly onLimited: () => void }, patience = PATIENCE) {
  const turns = createOneAtATime(patience);
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    if (request.routeOptions.config.isList !== true) return undefined;
    const { issuer, id } = callerOf(request).party.subject;
    const turn = await turns.take(JSON.stringify([issuer, id]));
    if (turn === undefined) {
      onLimited();
      return sendProblem(reply, "too_many_requests", { detail: ALREADY });
    }
    request.setDecorator<ListTurn>("listTurn", turn);
    return undefined;
  };
}

const ALREADY =
  "Lists of one account are answered one after another, and too many are waiting. Read those answers, then try again. Nothing was done.";

/** For an onSend hook: only sending is left to do. */
export async function endTurn(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const turn = request.getDecorator<ListTurn | null>("listTurn");
  if (turn === null) return;
  if (reply.raw.closed) turn();
  else reply.raw.once("close", turn);
}
