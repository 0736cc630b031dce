/** The three searches: which entity is sought, and which two are given. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Clocks } from "../../../core/domain/freshness.ts";
import { faultIn } from "../../../core/domain/json-fault.ts";
import type { Action, Entity } from "../../../core/domain/question.ts";
import type { Pause } from "../../../platform/shared-pause.ts";
import type { ApiCallers, EvaluateAside } from "../api/ports.ts";
import type { Vouched } from "../ports.ts";
import type { Admission } from "./admission.ts";
import { isGone } from "./http-caller.ts";
import type { Candidates, Sought } from "./ports.ts";
import { PATHS } from "./metadata.ts";
import { stated, statedContext } from "./question.ts";
import { askerOf, inPlace } from "./routes.ts";
import { say } from "./say.ts";
import { ActionSearchBody, ResourceSearchBody, SubjectSearchBody } from "./schema.ts";
import { type Page, search } from "./search.ts";

const ROUTES = [
  { sought: "subject", path: PATHS.searchSubject, body: SubjectSearchBody },
  { sought: "resource", path: PATHS.searchResource, body: ResourceSearchBody },
  { sought: "action", path: PATHS.searchAction, body: ActionSearchBody },
] as const;

type WireEntity = { readonly type: string; readonly id?: string; readonly properties?: unknown };
type SearchBody = {
  readonly subject: WireEntity;
  readonly action?: { readonly name: string; readonly properties?: unknown };
  readonly resource: WireEntity;
  readonly context?: unknown;
  readonly page?: Page;
};

export type SearchDeps = {
  readonly candidates: Candidates;
  /** Judged like a question, but not recorded. */
  readonly evaluateAside: EvaluateAside;
  readonly callers: Pick<ApiCallers, "vouch" | "inOwnWords">;
  readonly readClocks: () => Clocks;
  /** Before each piece of long work, of all requests of the API together. */
  readonly pause: Pause;
};

export function addSearchRoutes(app: FastifyInstance, deps: SearchDeps, admission: Admission): void {
  for (const { sought, path, body } of ROUTES) {
    app.post<{ Body: SearchBody }>(path, { schema: { operationId: `search_${sought}`, body } }, (request, reply) =>
      inPlace(admission, reply, () => answer(deps, sought, request, reply)),
    );
  }
}

async function answer(
  deps: SearchDeps,
  sought: Sought,
  request: FastifyRequest<{ Body: SearchBody }>,
  reply: FastifyReply,
): Promise<FastifyReply | object> {
  const { body } = request;
  const fault = faultIn(body);
  if (fault !== undefined) return say(reply, 400, fault);
  const { caller, deadline } = askerOf(request);
  const { candidates, readClocks, evaluateAside, pause } = deps;
  // NB: denied for every candidate, it would look like a decision about each; those that the policy lists are not its caller's mistake (unjudged.ts).
  const isUnusable = sought !== "subject" && cannotBeClaims(deps.callers.vouch(caller, entityOf(body.subject, false)));
  if (isUnusable) return say(reply, 400, "the subject cannot be used: credential_claims_invalid");
  const found = await search(
    {
      list: (asked) => candidates.list(asked, caller, readClocks()),
      pause,
      async decide(question) {
        const vouched = deps.callers.vouch(caller, question.subject);
        return (await evaluateAside(question, vouched, deadline)).decision;
      },
    },
    {
      sought,
      // Before candidates are asked for: what those bring along is the policy's word.
      question: deps.callers.inOwnWords(caller, {
        subject: entityOf(body.subject, sought === "subject"),
        action: actionOf(body.action),
        resource: entityOf(body.resource, sought === "resource"),
        context: statedContext(body.context),
      }),
    },
    body.page,
    { deadline, isGone: () => isGone(request.raw) },
  );
  switch (found.kind) {
    case "found":
      return { results: found.results, ...(found.page === undefined ? {} : { page: found.page }) };
    case "refused":
      return say(reply, 400, found.why);
    case "none":
      return say(reply, 404, "the policy exposes nothing to search");
    case "fault":
      if (found.retry) void reply.header("retry-after", "1");
      return say(reply, found.retry ? 503 : 500, `the search could not be done: ${found.reason}`);
  }
}

function cannotBeClaims(vouched: Vouched): boolean {
  return vouched.kind === "refused" && vouched.reason === "credential_claims_invalid";
}

/** NB: an id in what is sought is ignored, and so are its properties. */
function entityOf({ type, id, properties }: WireEntity, isSought: boolean): Entity {
  return isSought ? { type, id: "", properties: {} } : { type, id: id ?? "", properties: stated(properties) };
}

function actionOf(action: SearchBody["action"]): Action {
  return { name: action?.name ?? "", properties: stated(action?.properties) };
}
