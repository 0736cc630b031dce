/** AuthZEN errors: a status and a sentence ("Error Responses"); and the answers that both ways through HTTP (routes.ts, direct.ts) share. */
import type { FastifyReply } from "fastify";

export const TEXT = "text/plain; charset=utf-8";

/** With every answer. */
export const ALWAYS = { "cache-control": "no-store", "x-content-type-options": "nosniff" } as const;

type Sentence = { readonly status: number; readonly sentence: string };

/** `retryAfter`: seconds, for the header. */
export const BUSY = { status: 503, sentence: "too many requests at once", retryAfter: "1" } as const;
/** The credential may be good: nobody is told to get another one. */
export const NO_KEYS = {
  status: 503,
  sentence: "the keys of the token's issuer are not available: keys_unavailable",
  retryAfter: "5",
} as const;
export const NOT_JSON: Sentence = { status: 400, sentence: "the body is not JSON" };
export const FAULT: Sentence = { status: 500, sentence: "something went wrong here" };

/** With the answer to one evaluation. */
export const DECISION_ID = "countersign-decision-id";

/** What a schema found first, the same whoever asked it. */
export function sentenceOf(
  fault: { readonly instancePath?: string | undefined; readonly message?: string | undefined } | undefined,
): string {
  return `${fault?.instancePath || "body"} ${fault?.message ?? "is not valid"}`;
}

export function say(reply: FastifyReply, status: number, sentence: string): FastifyReply {
  return reply.code(status).type(TEXT).send(sentence);
}
