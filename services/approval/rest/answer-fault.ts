/** From an exception to the problem that the caller gets. */
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { AppError } from "../../../core/domain/app-error.ts";
import type { Log } from "../../../platform/log/log.ts";
import { faultIn, faultsOf } from "./field-faults.ts";
import { sendProblem } from "./problem.ts";
import type { ProblemCode } from "./problem-table.ts";

const BY_APP_ERROR: Partial<Record<AppError["code"], ProblemCode>> = {
  invalid_argument: "invalid_request",
  conflict: "conflict",
  unavailable: "unavailable",
};

const BY_STATUS: ReadonlyMap<number | undefined, ProblemCode> = new Map([
  [400, "invalid_request"],
  [413, "too_large"],
  [415, "unsupported_media_type"],
]);

/** For an error handler: what a call is answered that ended in an error. */
export function answerFault(log: Log, error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error.validation !== undefined) return sendProblem(reply, "invalid_request", { errors: faultsOf(error) });
  if (error instanceof AppError) {
    const code = BY_APP_ERROR[error.code];
    if (code === "invalid_request") {
      return sendProblem(reply, code, { detail: error.detail, errors: faultIn(error.detail) });
    }
    if (code !== undefined) {
      log.warn({ event: "rest_unavailable", err: error, requestId: request.id }, "a REST request could not be served");
      return sendProblem(reply, code);
    }
  }
  const code = BY_STATUS.get(error.statusCode);
  // NB: there are no `errors` that the usual detail could point to.
  if (code === "invalid_request")
    return sendProblem(reply, code, { detail: "The body is not one JSON value that can be read." });
  if (code !== undefined) return sendProblem(reply, code);
  log.error({ event: "rest_fault", err: error, requestId: request.id }, "a REST request ended in a fault");
  return sendProblem(reply, "internal_error");
}
