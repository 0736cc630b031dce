/**
 * The API of a decision service of two workers, in the whole real set: each has ports of its own for AuthZEN and DecisionService, both answer the same,
 * and what the second one denies can be asked for, is approved, and is allowed by either, as often in all as was granted.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import {
  DecisionServiceClient,
  type EvaluateResponse,
  Mode,
  Outcome,
} from "../../proto/gen/countersign/v1/decision.ts";
import { type Call, createCall, textAt } from "../../platform/programs/client.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { POLITE_MS } from "../../sample/story/see.ts";
import { freePort, freePortsInARow } from "../harness/free-port.ts";
import { hasOpa } from "../harness/made-bundle.ts";
import { canStartSystem, startSystem, type System } from "../harness/system.ts";
import { bundleWith, type Known, knownAs, shownDenial } from "./enforcer-fixture.ts";

const WORKERS = 2;
/** More than one for each: a use that is not answered within 150 ms, which a busy machine may need for something else, is denied and may be gone. */
const USES = 30;
const PDP = "https://pdp.example";
const PATH = "/access/v1/requests";
const ENDPOINT = `https://approvals.example${PATH}`;
const SERVICE_TOKEN = "service-token-of-an-enforcer";
const REASON = "the customer asked for it, ticket 4711";
const PATIENCE_MS = 60_000;
const POLICY = `package countersign.policies.files

allow contains "read" if input.action.name == "read"
deny contains "locked" if input.action.name == "lock"
elevate contains {
  "entitlement": "files-delete", "scope": sprintf("file/%s", [input.resource.id]), "title": "Delete a file",
  "binding": "scope", "max_uses": ${USES}, "max_duration": "10m",
} if input.action.name == "delete"
`;

type Worker = { readonly http: Call; readonly grpc: DecisionServiceClient };
type Said = {
  readonly outcome: Outcome;
  readonly reason: string;
  readonly grantReason: string;
  readonly body: unknown;
};
type Question = {
  readonly action: string;
  readonly id: string;
  readonly mode: "ask" | "enforce";
  readonly token?: string;
};

const possible = (await canStartSystem()) && (await hasOpa());
const owned = new AsyncDisposableStack();
let system: System;
let workers: readonly Worker[] = [];
let subject: Known;

beforeAll(async () => {
  if (!possible) return;
  const folder = await mkdtemp(join(tmpdir(), "api-of-workers-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  const path = await bundleWith(folder, POLICY);
  const tokenPath = join(folder, "token");
  await writeFile(tokenPath, SERVICE_TOKEN);
  const [httpPort, grpcPort] = [await freePortsInARow(WORKERS), await freePortsInARow(WORKERS)];
  const [secondPort, ...workerOpsPorts] = [await freePort(), await freePort(), await freePort()];
  const bundle = { path, unsigned: "accepted" };
  system = owned.use(
    await startSystem({
      decisionSettings(settings) {
        const [issuer] = settings.identity.issuers;
        const clients = [{ name: "gateway", tokenPath, subjects: { user: issuer?.issuer }, enforcer: true }];
        const api = { baseUrl: PDP, httpPort, grpcPort, accessRequestEndpoint: ENDPOINT, clients };
        const ports = { workerPorts: [settings.listen.port, secondPort], workerOpsPorts };
        return { ...settings, workers: WORKERS, ...ports, bundle, api };
      },
      approvalSettings: (settings) => ({
        ...settings,
        bundle,
        accessRequests: { endpoint: ENDPOINT, decisionPoints: [PDP] },
      }),
    }),
  );
  workers = Array.from({ length: WORKERS }, (_, at) => {
    const grpc = new DecisionServiceClient(`127.0.0.1:${grpcPort + at}`, credentials.createInsecure());
    owned.defer(() => grpc.close());
    return { http: createCall(`http://127.0.0.1:${httpPort + at}`, undefined), grpc };
  });
  subject = await knownAs(system, "dana");
}, 180_000);
afterAll(() => owned.disposeAsync(), 60_000);

type Ask = (worker: Worker, question: Question) => Promise<Said | undefined>;

const memberOf = (body: unknown, name: string): unknown => Reflect.get(Object(body), name);
const textIn = (body: unknown, name: string): string => {
  const value = memberOf(body, name);
  return typeof value === "string" ? value : "";
};

/** Undefined: who asks is not known. */
const overHttp: Ask = async ({ http }, { action, id, mode, token = SERVICE_TOKEN }) => {
  const body = {
    ...{ subject, action: { name: action }, resource: { type: "file", id } },
    options: { countersign_mode: mode },
  };
  const headers = { authorization: `Bearer ${token}` };
  const answer = await http("POST", "/access/v1/evaluation", { body, headers });
  if (answer.status === 401) return undefined;
  expect(answer.status).toBe(200);
  const context = memberOf(answer.body, "context");
  const [reason, grantReason] = [textIn(context, "reason"), textIn(context, "grant_reason")];
  const denied = reason === "approval_required" ? Outcome.OUTCOME_NEEDS_APPROVAL : Outcome.OUTCOME_DENY;
  const isAllowed = memberOf(answer.body, "decision") === true;
  return { outcome: isAllowed ? Outcome.OUTCOME_ALLOW : denied, reason, grantReason, body: answer.body };
};

const overGrpc: Ask = ({ grpc }, { action, id, mode, token = SERVICE_TOKEN }) => {
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${token}`);
  const question = {
    ...{ subject, mode: mode === "ask" ? Mode.MODE_ASK : Mode.MODE_ENFORCE, context: undefined },
    action: { name: action, properties: undefined },
    resource: { type: "file", id, properties: undefined },
  };
  return new Promise((resolve, reject) => {
    const answer = (error: ServiceError | null, said?: EvaluateResponse) => {
      if (error?.code === status.UNAUTHENTICATED) resolve(undefined);
      else if (error !== null || said === undefined) reject(error ?? new Error("no answer"));
      else resolve({ outcome: said.outcome, reason: said.reason, grantReason: said.grantReason, body: said });
    };
    grpc.evaluate(question, metadata, { deadline: Date.now() + PATIENCE_MS }, answer);
  });
};

type Submission = { readonly path: string; readonly body: object; readonly idAt: readonly [string, string] };
type SubmissionOf = (id: string, denied: unknown) => Submission;

/** By the access request profile, with the token of the denial. */
const byProfile: SubmissionOf = (id, denied) => {
  const body = {
    ...{ subject, action: { name: "delete" }, resource: { type: "file", id } },
    context: { business_justification: REASON },
    denial: shownDenial(denied),
  };
  return { path: PATH, body, idAt: ["task", "id"] };
};

const byId: SubmissionOf = (_id, denied) => {
  const body = { denial_id: textAt(denied, "denial", "id"), justification: REASON };
  return { path: "/v1/requests", body, idAt: ["request", "id"] };
};

/** dana submits it, and max approves. Gives the grant's id. */
async function approve({ path, body, idAt }: Submission): Promise<string> {
  const [dana, max] = [await system.as("dana"), await system.as("max")];
  const submit = async () => {
    const answer = await dana.approvals("POST", path, { body });
    return answer.status !== 404 && answer;
  };
  const submitted = await waitUntil("the denial to arrive", PATIENCE_MS, submit, { everyMs: POLITE_MS });
  const id = textAt(submitted.body, ...idAt);
  const seen = await max.approvals("GET", `/v1/requests/${id}`);
  const vote = { body: { vote: "approve", digest: textAt(seen.body, "request", "digest") } };
  const approved = await max.approvals("POST", `/v1/requests/${id}/reviews`, vote);
  return textAt(approved.body, "grant", "id");
}

const [ALLOWED, DENIED, NEEDED] = [Outcome.OUTCOME_ALLOW, Outcome.OUTCOME_DENY, Outcome.OUTCOME_NEEDS_APPROVAL];

(possible ? describe : describe.skip).each<[string, Ask, SubmissionOf]>([
  ["AuthZEN", overHttp, byProfile],
  ["DecisionService", overGrpc, byId],
])("%s of two workers", (name, ask, submissionOf) => {
  test.each([
    ["lock", DENIED, "policy_denied"],
    ["read", ALLOWED, ""],
    ["delete", NEEDED, "approval_required"],
  ])("answers nobody who is not known, and otherwise %s alike on both", async (action, outcome, reason) => {
    const question: Question = { action, id: "both", mode: "ask" };
    for (const worker of workers) {
      expect(await ask(worker, { ...question, token: "service-token-of-nobody" })).toBeUndefined();
      const said = await waitUntil("an answer in time", PATIENCE_MS, async () => {
        const one = await ask(worker, question);
        return one?.reason !== "deadline_exceeded" && one;
      });
      expect(said).toMatchObject({ outcome, reason });
    }
  });

  test("what the second denies is requested and approved, and allowed as often in all as was granted, by either", async () => {
    const question: Question = { action: "delete", id: name, mode: "enforce" };
    const [first, second] = workers;
    if (first === undefined || second === undefined) throw new Error("no workers");
    // NB: what was not on the stream in time is no denial that anybody could ask for; nothing has happened then.
    const denied = await waitUntil("a denial that can be requested", PATIENCE_MS, async () => {
      const said = await ask(second, question);
      return said?.outcome === NEEDED && said.body;
    });
    const grantId = await approve(submissionOf(name, denied));
    for (const worker of workers) {
      await waitUntil("the grant to arrive", PATIENCE_MS, async () => {
        const said = await ask(worker, { ...question, mode: "ask" });
        return said?.grantReason === "use_by_enforce";
      });
    }
    const seen = { allowed: [0, 0], unknown: 0 };
    let at = 0;
    await waitUntil("the uses to be spent, by turns", PATIENCE_MS, async () => {
      at = 1 - at;
      const said = await ask(at === 0 ? first : second, question);
      if (said?.reason === "redemption_unknown") seen.unknown += 1;
      if (said?.outcome === ALLOWED) seen.allowed[at] = (seen.allowed[at] ?? 0) + 1;
      return said?.grantReason === "spent";
    });
    const allowed = seen.allowed.reduce((sum, one) => sum + one, 0);
    const isByEach = seen.allowed.every((count) => count > 0);
    const [isMore, isLess] = [allowed > USES, allowed + seen.unknown < USES];
    expect({ seen, isByEach, isMore, isLess }).toEqual({ seen, isByEach: true, isMore: false, isLess: false });
    for (const worker of workers) {
      await waitUntil("the uses to be known", PATIENCE_MS, async () => {
        const said = await ask(worker, question);
        expect(said?.outcome).not.toBe(ALLOWED);
        return said?.grantReason === "spent";
      });
    }
    const { approvals } = await system.as("dana");
    const grant = await approvals("GET", `/v1/grants/${grantId}`);
    expect(grant.body).toMatchObject({ uses: USES, state: "consumed" });
  });
});

(possible ? test : test.skip)("the keys of its tokens are the same at both", async () => {
  const [one, other] = await Promise.all(workers.map(({ http }) => http("GET", "/access/v1/jwks")));
  expect(one?.body).toMatchObject({ keys: [{ use: "sig" }] });
  expect(other?.body).toEqual(one?.body);
});
