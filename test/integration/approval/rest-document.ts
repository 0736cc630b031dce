/** The OpenAPI document that the REST interface serves: what its operations are, and whether an answer is one of those that it names. */
import type { createRest } from "../../../services/approval/rest/server.ts";
import { type Answer, at, textAt } from "./rest-answer.ts";

type App = Awaited<ReturnType<typeof createRest>>;

/** Every route of the OpenAPI document, with an id that nothing has; a route that is added is in every test that asks this. */
export function operationsOf(app: App) {
  const noId = "01930000-0000-7000-8000-0000000000ff";
  const bodies: Readonly<Record<string, unknown>> = {
    submitRequest: { denial_id: noId, justification: "the customer was charged twice" },
    reviewRequest: { vote: "approve", digest: "0".repeat(64) },
    cancelRequest: {},
    revokeGrant: {},
    replayRecord: undefined,
    openIncident: { severity: "high", scope: "orders", title: "Orders are sent twice" },
    closeIncident: {},
    dismissRecord: { reason: "forged" },
  };
  return documented(app)
    .filter(({ operation }) => at({ body: operation }, "security") === undefined)
    .map(({ name, method, path }) => ({ name, method, path, url: path.replace("{id}", noId), body: bodies[name] }));
}

/** Every operation of the document, those that are open to everybody included. */
export function documented(app: App) {
  return Object.entries(app.swagger().paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item ?? {}).map(([verb, operation]: [string, unknown]) => {
      const name = textAt({ status: 0, headers: {}, body: operation }, "operationId");
      const method: "GET" | "POST" = verb === "post" ? "POST" : "GET";
      if (verb !== "get" && verb !== "post") throw new Error(`an unexpected method: ${verb}`);
      return { name, method, path, operation };
    }),
  );
}

/** Whatever a test asks: an answer that the document does not know, by status and code, is a fault of one of the two. */
export function requireDocumented(app: App, method: string, url: string, answer: Answer): void {
  const path = url.replace(/\?.*$/, "");
  const operation = documented(app).find(
    (one) => one.method === method && new RegExp(`^${one.path.replace(/\{\w+\}/, "[^/]+")}$`).test(path),
  );
  const code = at(answer, "code");
  if (operation === undefined) return;
  const told: unknown = new Map(Object.entries(Object(at({ body: operation.operation }, "responses")))).get(
    String(answer.status),
  );
  const codes = Object.keys(Object(Object(at({ body: told }, "content"))["application/problem+json"]?.examples));
  if (told === undefined || (answer.status >= 400 && !codes.includes(String(code)))) {
    throw new Error(`${operation.name}: ${answer.status} ${String(code)} is not in the document`);
  }
}
