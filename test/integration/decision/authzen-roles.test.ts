/**
 * Every route of the AuthZEN interface, as its router has them, for every role: what each is answered about something that dana may do. Who
 * may not speak for her is told that she may not, or finds nothing, and the policy is not asked. A route that is added fails here until it
 * says who may call it.
 */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Entity } from "../../../core/domain/question.ts";
import { roleTable, routeOf, routesIn } from "../../harness/role-table.ts";
import { withRoutes } from "../../harness/routes-of.ts";
import type { Sought } from "../../../services/decision/authzen/ports.ts";
import { type Authzen, type Reply, startAuthzen } from "./authzen-fixture.ts";
import { allowing, ASKER, ENFORCED, ENFORCER, ownToken, question } from "./authzen-samples.ts";

const CALLERS = new Map([
  ["anonymous", null],
  ["foreign", ownToken({ iss: "https://foreign.example" })],
  ["developer", ownToken()],
  ["manager", ownToken({ sub: "max", groups: ["managers"] })],
  ["security", ownToken({ sub: "sam", groups: ["security"] })],
  // Service tokens: of a client that may ask about users, and of one that may enforce as well.
  ["asker", ASKER],
  ["enforcer", ENFORCER],
]);

const TABLE = roleTable(`
                                           anonymous  foreign  developer  manager  security  asker  enforcer
  GET  /.well-known/authzen-configuration        200      200        200      200       200    200       200
  GET  /access/v1/jwks                           200      200        200      200       200    200       200
  POST /access/v1/evaluation                     401      401      allow     deny      deny  allow     allow
  POST /access/v1/evaluation (enforced)          401      401        403      403       403    403     allow
  POST /access/v1/evaluations                    401      401      allow     deny      deny  allow     allow
  POST /access/v1/evaluations (enforced)         401      401        403      403       403    403       400
  POST /access/v1/search/subject                 401      401      found  nothing   nothing  found     found
  POST /access/v1/search/resource                401      401      found  nothing   nothing  found     found
  POST /access/v1/search/action                  401      401      found  nothing   nothing  found     found
`);

const entity = (type: string, id: string): Entity => ({ type, id, properties: {} });
const CANDIDATES: Readonly<Record<Sought, readonly Entity[]>> = {
  subject: [entity("user", "dana")],
  resource: [entity("file", "f1")],
  action: [entity("action", "delete")],
};

let authzen: Authzen;
let routes: readonly string[];
beforeAll(async () => {
  const offered = {
    offered: () => true,
    list: ({ sought }: { readonly sought: Sought }) =>
      ({ kind: "candidates", entities: CANDIDATES[sought], revision: "r1" }) as const,
  };
  ({ made: authzen, routes } = await withRoutes(() => startAuthzen({ candidates: offered })));
  authzen.world.verdict = () => allowing;
});
afterAll(() => authzen[Symbol.asyncDispose]());

const isIn = (row: string, word: string) => row.includes(word);

/** What dana's deletion of a file is, as this route asks for it. */
function bodyOf(row: string): object {
  const asked = question(isIn(row, "(enforced)") ? ENFORCED : {});
  return isIn(row, "/evaluations") ? { ...asked, evaluations: [{}, {}] } : asked;
}

/** The status, or what a 200 says where answers of that status differ. */
function answerIn({ status, body }: Reply): string {
  const { decision, evaluations, results } = Object(body);
  if (status !== 200) return String(status);
  if (Array.isArray(results)) return results.length > 0 ? "found" : "nothing";
  const decisions: readonly unknown[] = Array.isArray(evaluations)
    ? evaluations.map((one: unknown) => Object(one).decision)
    : [decision];
  if (decisions.every((one) => one === true)) return "allow";
  return decisions.every((one) => one === false) ? "deny" : "200";
}

test("every route of the interface says who may call it", () => {
  expect(routesIn(TABLE)).toEqual(routes);
});

test.each([...TABLE.keys()])("%s is answered to each role as it should be", async (row) => {
  const { method, path } = routeOf(row);
  const seen = new Map<string, string>();
  for (const [caller, token] of CALLERS) {
    const asked = authzen.world.asked.length;
    const answer = answerIn(
      method === "GET" ? await authzen.get(path, token) : await authzen.post(bodyOf(row), { at: path, as: token }),
    );
    seen.set(caller, answer);
    const isAsked = authzen.world.asked.length > asked;
    expect([caller, isAsked]).toEqual([caller, answer === "allow" || answer === "found"]);
  }
  expect(seen).toEqual(TABLE.get(row));
});
