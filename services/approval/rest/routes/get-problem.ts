/** GET /v1/problems/{code}: the target of a problem's `type`. Without authentication: it says what docs/problems.md says, and no more. */
import { sendProblem } from "../problem.ts";
import { isProblemCode, PROBLEMS } from "../problem-table.ts";
import type { AddRoute } from "../rest.ts";
import { CodeParams, ProblemDocument } from "../schema/problems.ts";

export const getProblem: AddRoute = (rest) => {
  rest.get(
    "/v1/problems/:code",
    {
      config: { problems: ["unknown_route"] },
      schema: {
        operationId: "getProblem",
        summary: "What the `type` of a problem means, and what to do about it.",
        tags: ["problems"],
        security: [],
        params: CodeParams,
        response: { 200: ProblemDocument },
      },
    },
    async (request, reply) => {
      const { code } = request.params;
      if (!isProblemCode(code)) return sendProblem(reply, "unknown_route");
      const { status, title, detail, pointer, retryAfterS } = PROBLEMS[code];
      const [pointerShown, retryShown] = [pointer ?? null, retryAfterS ?? null];
      return reply.send({
        type: `/v1/problems/${code}`,
        code,
        status,
        title,
        detail,
        pointer: pointerShown,
        retry_after_seconds: retryShown,
      });
    },
  );
};
