/** A reviewer whom a route names as a person, in the policy author's own spelling, in a realm that ignores case. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createPersonIds } from "../../../core/identity/person-id.ts";
import { NOW } from "../../samples/tokens.ts";
import { DEFAULT_BUDGET } from "../../../core/policy/budget.ts";
import { startPolicy } from "../../../core/policy/start-policy.ts";
import { systemClock } from "../../../platform/clock.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { createApprovalPolicy } from "../../../services/approval/policy/approval-policy.ts";
import { hasOpa, makeBundle } from "../../harness/made-bundle.ts";
import { silent } from "./migrated-database.ts";
import { at, itemsOf } from "./rest-answer.ts";
import { createRestApproval, type RestApproval, tokenOf } from "./rest-fixture.ts";

const NOTHING = `package countersign

decision := {"outcome": "no_rule_matched", "reasons": [], "elevations": [], "responses": [], "malformed": [], "context_missing": []}
`;
const MAX = `package countersign.approval

route := {"requirement": {"person": "Max@Example.ORG"}}

may_review := {"allowed": true, "reasons": []}
`;
const possible = await hasOpa();
const owned = new AsyncDisposableStack();
let rest: RestApproval;

beforeAll(async () => {
  if (!possible) return;
  const folder = await mkdtemp(join(tmpdir(), "named-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, "bundle");
  await makeBundle(path, [NOTHING, MAX], {});
  const times = { pollSeconds: 3_600, waitSeconds: 0 };
  const bundle = { path, unsigned: "accepted", scope: "", trustedKeys: {}, ...times } as const;
  const started = await startPolicy(
    {
      ...{ clock: systemClock, signal: new AbortController().signal, log: silent },
      metrics: createMetrics({ prefix: "named_" }),
    },
    {
      ...{ bundle, defaultRealm: "corp", budget: DEFAULT_BUDGET, environment: new Map(), routesOnly: true },
      personId: createPersonIds([{ person: { realm: "corp", claim: "email", ignore_case: true } }]),
    },
  );
  const { host } = owned.use(started);
  rest = await createRestApproval({ policy: createApprovalPolicy({ host, wallMs: () => NOW, log: silent }) });
  owned.defer(() => rest.close());
}, 120_000);
afterAll(() => owned.disposeAsync());

(possible ? describe : describe.skip)("a person whom a route names", () => {
  test("is whoever that is in another spelling, and nobody else", async () => {
    const request = await rest.askAs(tokenOf("dana"));
    const mia = await rest.vote(tokenOf("mia", ["managers"]), request);
    expect([mia.status, at(mia, "code")]).toEqual([404, "unknown_request"]);
    const max = tokenOf("max", [], { email: "MAX@example.org" });
    const awaiting = await rest.call("GET", "/v1/requests?awaiting=me", { token: max });
    expect(itemsOf(awaiting)).toMatchObject([{ id: request.id }]);
    expect(await rest.vote(max, request)).toMatchObject({ status: 200, body: { request: { status: "approved" } } });
  });
});
