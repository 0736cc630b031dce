/** Evaluation and evaluations as fastify routes, for requests in any form; those in the usual form are answered by direct.ts. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { parseJsonBody } from "../../../platform/http/json-body.ts";
import { firstTraceparent } from "../../../platform/traces/traceparent.ts";
import type { ApiCallers, Authenticated } from "../api/ports.ts";
import type { Deadline } from "../ports.ts";
import type { Admission } from "./admission.ts";
import type { Evaluations } from "./evaluations.ts";
import { BUSY_REFUSAL, isGone, lateFor, type NewDeadline, refusalOf, shownBy } from "./http-caller.ts";
import { PATHS } from "./metadata.ts";
import { DECISION_ID, NOT_JSON, say } from "./say.ts";

type Terms = {
  readonly callers: Pick<ApiCallers, "authenticate">;
  readonly newDeadline: NewDeadline;
  readonly admission: Admission;
};

/** Somebody whose body is not there yet. */
type Known = { readonly caller: Authenticated; readonly leftMs: number };

/** What `app` serves is for callers who are known, in turns; and nothing is read of a body for which there is no place. */
export function admitCallers(app: FastifyInstance, { callers, newDeadline, admission }: Terms): void {
  app.decorateRequest("known", null).decorateRequest("asker", null);
  app.addHook("onRequest", async (request, reply) => {
    const deadline = newDeadline();
    const caller = await callers.authenticate(shownBy(request.raw), lateFor(request.raw, deadline));
    if ("reason" in caller) return refuse(reply, refusalOf(caller));
    request.setDecorator<Known>("known", { caller, leftMs: deadline.leftMs() });
    return undefined;
  });
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.addHook("preValidation", async (request, reply) => {
    const { caller, leftMs } = request.getDecorator<Known>("known");
    const deadline = newDeadline(leftMs);
    const turn = admission.turn();
    if (turn !== undefined && (!(await turn) || lateFor(request.raw, deadline)())) return refuse(reply, BUSY_REFUSAL);
    if (!admission.hasRoom()) return refuse(reply, BUSY_REFUSAL);
    request.setDecorator<Asker>("asker", { caller, deadline });
    if (!Buffer.isBuffer(request.body)) return undefined;
    const read = parseJsonBody(request.body);
    if (read.kind === "not_json") return say(reply, NOT_JSON.status, NOT_JSON.sentence);
    request.body = read.value;
    return undefined;
  });
}

export function addEvaluationRoutes(app: FastifyInstance, evaluations: Evaluations, admission: Admission): void {
  for (const operation of ["evaluation", "evaluations"] as const) {
    app.post(PATHS[operation], { schema: { operationId: operation } }, (request, reply) =>
      inPlace(admission, reply, async () => {
        const said = await evaluations[operation]({
          body: request.body,
          ...askerOf(request),
          traceparent: firstTraceparent([request.headers["traceparent"]]),
          isGone: () => isGone(request.raw),
        });
        if (said.kind === "refused") return say(reply, said.status, said.why);
        if (said.decisionId !== undefined) void reply.header(DECISION_ID, said.decisionId);
        return said.body;
      }),
    );
  }
}

/**
 * What a handler does for a whole body, among the requests at once. NB: it is counted until the answer is made, whoever has left: the work of callers who
 * hang up would be without a limit. Not until the answer was taken: who asks and does not read would keep a place for each.
 */
export async function inPlace<T>(
  { enter }: Pick<Admission, "enter">,
  reply: FastifyReply,
  work: () => Promise<T>,
): Promise<T | FastifyReply> {
  const leave = enter();
  if (leave === undefined) return refuse(reply, BUSY_REFUSAL);
  try {
    return await work();
  } finally {
    leave();
  }
}

function refuse(reply: FastifyReply, { status, sentence, header }: ReturnType<typeof refusalOf>): FastifyReply {
  return say(reply.header(...header), status, sentence);
}

/** Who asks, and how long it may take from here on. */
type Asker = { readonly caller: Authenticated; readonly deadline: Deadline };

/** Of a route behind authentication, whose body is there; throws anywhere else. */
export function askerOf(request: FastifyRequest): Asker {
  const asker = request.getDecorator<Asker | null>("asker");
  if (asker === null) throw new Error("a route without authentication");
  return asker;
}
