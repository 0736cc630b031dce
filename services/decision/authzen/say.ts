/** An error of AuthZEN: a status and a sentence ("Error Responses"). */
import type { FastifyReply } from "fastify";

export function say(reply: FastifyReply, status: number, sentence: string): FastifyReply {
  return reply.code(status).type("text/plain; charset=utf-8").send(sentence);
}
