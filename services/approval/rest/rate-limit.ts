/**
 * How often one account may call: a token bucket for reads and one for writes, per process (so several processes allow as many times more).
 * Beyond it the answer is 429 with the time to wait, before anything is read from the database. It stops a runaway script; how often somebody may
 * request something is up to the policy's limits.
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import { createTokenBuckets } from "../../../platform/token-buckets.ts";
import { callerOf } from "./caller.ts";
import { sendProblem } from "./problem.ts";

type Rate = { readonly burst: number; readonly perMinute: number };
export type RateLimits = { readonly reads: Rate; readonly writes: Rate };

/** For an onRequest hook behind authentication. */
export function createRateLimit(
  {
    monotonicMs,
    onLimited,
  }: { readonly monotonicMs: () => number; readonly onLimited: (kind: keyof RateLimits) => void },
  limits: RateLimits,
) {
  const bucketsOf = ({ burst, perMinute }: Rate) => createTokenBuckets({ burst, refillMs: 60_000 / perMinute });
  const buckets = { reads: bucketsOf(limits.reads), writes: bucketsOf(limits.writes) };
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const kind = request.method === "GET" ? "reads" : "writes";
    const { issuer, id } = callerOf(request).party.subject;
    const taken = buckets[kind].take(JSON.stringify([issuer, id]), monotonicMs());
    if (taken.kind === "taken") return undefined;
    onLimited(kind);
    return sendProblem(reply, "too_many_requests", { retryAfterS: Math.ceil(taken.retryAfterMs / 1_000) });
  };
}
