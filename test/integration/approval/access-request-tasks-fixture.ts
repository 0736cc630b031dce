/** Tasks of the Access Request profile, of dana's unless said otherwise, with a policy that routes as the test says. */
import type { Routing } from "../../../core/domain/routing.ts";
import { createAccessRequestApproval, PATH } from "./access-request-fixture.ts";
import { ONE_MANAGER } from "./approval-fixture.ts";
import { type Answer, textAt } from "./rest-answer.ts";
import { tokenOf } from "./rest-fixture.ts";

export const dana = tokenOf("dana", ["developers"]);
export const eve = tokenOf("eve", ["managers-not"]);
export const APPROVED: Routing = { kind: "automatic", decision: "approve", reason: "small", limits: undefined };

export type Tasks = Awaited<ReturnType<typeof createTasks>>;

export async function createTasks() {
  let routing: Routing = ONE_MANAGER;
  const revision = "sha256:2e0d";
  const policy = {
    route: async () => ({ ...routing, revision }),
    mayReview: async () => ({ kind: "allowed", revision }) as const,
  };
  const rest = await createAccessRequestApproval({ policy });

  return {
    rest,
    /** The answer to a submission that is routed so. */
    async taskOf(route: Routing = ONE_MANAGER): Promise<Answer> {
      routing = route;
      const answer = await rest.submitted(dana);
      routing = ONE_MANAGER;
      return answer;
    },
    look: (answer: Answer, token = dana) => rest.call("GET", `${PATH}/${textAt(answer, "task.id")}`, { token }),
    cancel: (answer: Answer, token = dana, body?: object) =>
      rest.call("POST", `${PATH}/${textAt(answer, "task.id")}/cancel`, {
        token,
        ...(body === undefined ? {} : { body }),
      }),
    async vote(answer: Answer, token: string, more: { readonly [name: string]: unknown } = {}): Promise<Answer> {
      const id = textAt(answer, "task.id");
      const seen = await rest.call("GET", `/v1/requests/${id}`, { token: dana });
      return rest.vote(token, { id, digest: textAt(seen, "request.digest") }, more);
    },
    /** Events about it that wait to be told, or only those of a type. */
    async toldOf(answer: Answer, type = ""): Promise<readonly string[]> {
      const { rows } = await rest.database.query<{ event: string }>(
        "select event::text as event from outbox where event::text like $1 and event::text like $2",
        [`%${textAt(answer, "task.id")}%`, `%${type}%`],
      );
      return rows.map(({ event }) => event);
    },
    close: () => rest.close(),
  };
}
