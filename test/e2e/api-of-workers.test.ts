/**
 * The API of a decision service of two workers, in the whole real set: each has ports of its own for AuthZEN and DecisionService, both answer the same,
 * and what the second one denies can be asked for, is approved, and is allowed by either, once.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { credentials, Metadata, type ServiceError, type status } from "@grpc/grpc-js";
import {
  DecisionServiceClient,
  type EvaluateResponse,
  Mode,
  Outcome,
} from "../../proto/gen/countersign/v1/decision.ts";
import { type Call, createCall, textAt } from "../../platform/programs/client.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { freePort, freePortsInARow } from "../harness/free-port.ts";
import { hasOpa, makeBundle } from "../harness/made-bundle.ts";
import { canStartSystem, startSystem, type System } from "../harness/system.ts";

const WORKERS = 2;
const PDP = "https://pdp.example";
const PATH = "/access/v1/requests";
const ENDPOINT = `https://approvals.example${PATH}`;
const SERVICE_TOKEN = "service-token-of-an-enforcer";
const REASON = "the customer asked for it, ticket 4711";
const POLICY = `package countersign.policies.files

allow contains "read" if input.action.name == "read"
deny contains "locked" if input.action.name == "lock"
elevate contains {
  "entitlement": "files-delete", "scope": sprintf("file/%s", [input.resource.id]), "title": "Delete a file",
  "binding": "scope", "max_uses": 1, "max_duration": "10m",
} if input.action.name == "delete"
`;

type Subject = {
  readonly type: "user";
  readonly id: string;
  readonly properties: { readonly [name: string]: unknown };
};
type Worker = { readonly http: Call; readonly grpc: DecisionServiceClient };

const possible = (await canStartSystem()) && (await hasOpa());
const owned = new AsyncDisposableStack();
let system: System;
let [first, second]: Worker[] = [];
let subject: Subject;

beforeAll(async () => {
  if (!possible) return;
  const folder = await mkdtemp(join(tmpdir(), "api-of-workers-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  const rego = join(import.meta.dirname, "../../rego/countersign");
  const names = ["decision.rego", "approval/route.rego", "approval/may_review.rego"];
  const texts = await Promise.all(names.map((name) => readFile(join(rego, name), "utf8")));
  const path = join(folder, "bundle");
  await makeBundle(path, [...texts, POLICY], { countersign: { requires: {} } });
  const tokenPath = join(folder, "token");
  await writeFile(tokenPath, SERVICE_TOKEN);
  const [httpPort, grpcPort] = [await freePortsInARow(WORKERS), await freePortsInARow(WORKERS)];
  const [secondPort, ...workerOpsPorts] = [await freePort(), await freePort(), await freePort()];
  const bundle = { path, unsigned: "accepted" };
  system = owned.use(
    await startSystem({
      decisionSettings(settings) {
        const subjects = Object.fromEntries(
          settings.identity.issuers.slice(0, 1).map(({ issuer }) => ["user", issuer]),
        );
        const clients = [{ name: "gateway", tokenPath, subjects, enforcer: true, defaultMode: "enforce" }];
        const api = { baseUrl: PDP, httpPort, grpcPort, accessRequestEndpoint: ENDPOINT, clients };
        const workers = { workers: WORKERS, workerPorts: [settings.listen.port, secondPort], workerOpsPorts };
        return { ...settings, ...workers, bundle, api };
      },
      approvalSettings: (settings) => ({
        ...settings,
        bundle,
        accessRequests: { endpoint: ENDPOINT, decisionPoints: [PDP] },
      }),
    }),
  );
  [first, second] = Array.from({ length: WORKERS }, (_, at) => {
    const grpc = new DecisionServiceClient(`127.0.0.1:${grpcPort + at}`, credentials.createInsecure());
    owned.defer(() => grpc.close());
    return { http: createCall(`http://127.0.0.1:${httpPort + at}`, SERVICE_TOKEN), grpc };
  });
  for (const [at, { http }] of [first, second].map(worker).entries()) {
    await waitUntil(`worker ${at + 1} to serve`, 30_000, async () => {
      const answer = await http("GET", "/.well-known/authzen-configuration").catch(() => undefined);
      return answer?.status === 200;
    });
  }
  const [, payload = ""] = (await system.token("dana")).split(".");
  const claims: { readonly iss?: string; readonly sub?: string } = Object(
    JSON.parse(Buffer.from(payload, "base64url").toString()),
  );
  const { iss: _iss, sub: id = "", ...properties } = claims;
  subject = { type: "user", id, properties };
}, 180_000);
afterAll(() => owned.disposeAsync(), 60_000);

function worker(one: Worker | undefined): Worker {
  if (one === undefined) throw new Error("no such worker");
  return one;
}

async function overHttp(one: Worker | undefined, name: string, id: string): Promise<unknown> {
  const body = { subject, action: { name }, resource: { type: "file", id } };
  const answer = await worker(one).http("POST", "/access/v1/evaluation", { body });
  expect(answer.status).toBe(200);
  return answer.body;
}

/** The answer, or the code of the error in its place. */
function overGrpc(one: Worker | undefined, name: string, id: string): Promise<EvaluateResponse | status> {
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${SERVICE_TOKEN}`);
  const question = {
    ...{ subject, mode: Mode.MODE_ENFORCE, context: undefined, action: { name, properties: undefined } },
    resource: { type: "file", id, properties: undefined },
  };
  return new Promise((resolve) => {
    worker(one).grpc.evaluate(
      question,
      metadata,
      { deadline: Date.now() + 5_000 },
      (error: ServiceError | null, said) => resolve(error === null ? said : error.code),
    );
  });
}

const decisionIn = (body: unknown): unknown => Reflect.get(Object(body), "decision");
const contextIn = (body: unknown, name: string): unknown =>
  Reflect.get(Object(Reflect.get(Object(body), "context")), name);

/** dana submits it, and max approves. */
async function approve(path: string, submitted: object, idOf: (body: unknown) => string): Promise<void> {
  const [dana, max] = [await system.as("dana"), await system.as("max")];
  const task = await waitUntil("the denial to arrive", 10_000, async () => {
    const answer = await dana.approvals("POST", path, { body: submitted });
    return answer.status !== 404 && answer;
  });
  const id = idOf(task.body);
  const seen = await max.approvals("GET", `/v1/requests/${id}`);
  const vote = { body: { vote: "approve", digest: textAt(seen.body, "request", "digest") } };
  expect((await max.approvals("POST", `/v1/requests/${id}/reviews`, vote)).status).toBe(200);
}

(possible ? describe : describe.skip)("the API of two workers", () => {
  test("is refused by each to who is not known, and otherwise answers the same on both", async () => {
    for (const one of [first, second]) {
      const unknown = await worker(one).http("POST", "/access/v1/evaluation", {
        ...{ body: {}, headers: { authorization: "Bearer service-token-of-nobody" } },
      });
      expect(unknown.status).toBe(401);
    }
    for (const [name, decided, reason, outcome] of [
      ["lock", false, "policy_denied", Outcome.OUTCOME_DENY],
      ["read", true, undefined, Outcome.OUTCOME_ALLOW],
      ["delete", false, "approval_required", Outcome.OUTCOME_NEEDS_APPROVAL],
    ] as const) {
      for (const one of [first, second]) {
        const body = await overHttp(one, name, "both");
        expect([decisionIn(body), contextIn(body, "reason")]).toEqual([decided, reason]);
        expect(await overGrpc(one, name, "both")).toMatchObject({ outcome });
      }
    }
    const keys = await Promise.all([first, second].map((one) => worker(one).http("GET", "/access/v1/jwks")));
    expect(keys[1]?.body).toEqual(keys[0]?.body);
  }, 60_000);

  test("what the second denies over HTTP is requested by its binding token, approved, and allowed once, by whichever is asked", async () => {
    const denied = await overHttp(second, "delete", "q1");
    const offer = (name: string) => textAt(denied, "context", "access_request", name);
    await approve(
      PATH,
      {
        ...{ subject, action: { name: "delete" }, resource: { type: "file", id: "q1" } },
        context: { business_justification: REASON },
        denial: {
          evaluation_id: textAt(denied, "context", "evaluation_id"),
          expires_at: offer("expires_at"),
          binding_token: offer("binding_token"),
        },
      },
      (body) => textAt(body, "task", "id"),
    );
    await waitUntil("the grant to arrive at the second", 10_000, async () =>
      decisionIn(await overHttp(second, "delete", "q1")),
    );
    for (const one of [first, second]) {
      await waitUntil("the use to be known", 10_000, async () => {
        const body = await overHttp(one, "delete", "q1");
        expect(decisionIn(body)).toBe(false);
        return contextIn(body, "grant_reason") === "spent";
      });
    }
  }, 60_000);

  test("what the second denies over gRPC is requested by its id, approved, and allowed once over gRPC", async () => {
    const denied = await overGrpc(second, "delete", "q2");
    await approve("/v1/requests", { denial_id: textAt(denied, "denial", "id"), justification: REASON }, (body) =>
      textAt(body, "request", "id"),
    );
    await waitUntil("the grant to arrive at the second", 10_000, async () => {
      const said = await overGrpc(second, "delete", "q2");
      return Reflect.get(Object(said), "outcome") === Outcome.OUTCOME_ALLOW;
    });
    expect(await overGrpc(second, "delete", "q2")).toMatchObject({ outcome: Outcome.OUTCOME_NEEDS_APPROVAL });
    expect(await overGrpc(first, "delete", "q2")).toMatchObject({ outcome: Outcome.OUTCOME_NEEDS_APPROVAL });
  }, 60_000);
});
