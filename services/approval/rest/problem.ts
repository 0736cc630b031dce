/**
 * Answers with problem+json (RFC 9457) from problem-table.ts. The body has the reason as `code`; `type` is the address at which this service
 * explains it (GET /v1/problems/<code>).
 */
import type { FastifyReply } from "fastify";
import type { Static } from "typebox";
import { type Answer, sendAnswer } from "./answer.ts";
import { PROBLEMS, type ProblemCode } from "./problem-table.ts";
import type { ProblemShown } from "./schema/problems.ts";

export const PROBLEM_TYPE = "application/problem+json";

export type FieldFault = { readonly pointer: string; readonly detail: string };

/** More of the body than the table knows. */
type ProblemMore = {
  readonly type?: string;
  readonly detail?: string;
  readonly errors?: readonly FieldFault[];
  readonly grant_id?: string;
  /** In place of the table's. */
  readonly retryAfterS?: number;
};

export function sendProblem(reply: FastifyReply, code: ProblemCode, more: ProblemMore = {}): FastifyReply {
  const type = reply.request.routeOptions?.config?.problemTypes?.get(code);
  return sendAnswer(reply, problemAnswer(code, reply.request.id, type === undefined ? more : { ...more, type }));
}

export function problemAnswer(code: ProblemCode, requestId: string, more: ProblemMore = {}): Answer {
  const { status } = PROBLEMS[code];
  const retryAfterS = more.retryAfterS ?? PROBLEMS[code].retryAfterS;
  return {
    status,
    headers: {
      "content-type": PROBLEM_TYPE,
      ...(retryAfterS === undefined ? {} : { "retry-after": String(retryAfterS) }),
      ...(status === 401 ? { "www-authenticate": challengeOf(code) } : {}),
    },
    body: JSON.stringify(problemBody(code, requestId, more)),
  };
}

/** RFC 6750 section 3: that there is something wrong with the token is said only to who showed one. */
function challengeOf(code: ProblemCode): string {
  return `Bearer realm="countersign"${code === "authentication_required" ? "" : ', error="invalid_token"'}`;
}

export function problemBody(
  code: ProblemCode,
  requestId: string,
  { type, detail: more, errors, grant_id: grantId }: ProblemMore = {},
): Static<typeof ProblemShown> {
  const { status, title, detail, pointer } = PROBLEMS[code];
  const faults = errors ?? (pointer === undefined ? undefined : [{ pointer, detail }]);
  return {
    type: type ?? `/v1/problems/${code}`,
    title,
    status,
    detail: more ?? detail,
    code,
    request_id: requestId,
    ...(faults === undefined ? {} : { errors: faults.map((fault) => ({ ...fault })) }),
    ...(grantId === undefined ? {} : { grant_id: grantId }),
  };
}
