/**
 * An enforcer that speaks AuthZEN, in the whole real set: what it is denied is asked for by the profile, approved by somebody else, and allowed
 * once. Tasks are submitted to, looked at and taken back under the https addresses that the services publish, through TLS in front of them.
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
import { freePort } from "../harness/free-port.ts";
import { hasOpa } from "../harness/made-bundle.ts";
import { startTlsFront, type TlsFront } from "../harness/tls-front.ts";
import { canStartSystem, startSystem, type System } from "../harness/system.ts";
import { type Answer, type Call, createCall, textAt } from "../../platform/programs/client.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { bundleWith, type Known, knownAs, requestable, shownDenial } from "./enforcer-fixture.ts";

const PDP = "https://pdp.example";
const PATH = "/access/v1/requests";
const SERVICE_TOKEN = "service-token-of-an-enforcer";
const ASKER_TOKEN = "service-token-of-somebody-who-asks";
const REASON = "the customer asked for it, ticket 4711";
const JUSTIFIED = { business_justification: REASON };
const POLICY = `package countersign.policies.files

elevate contains {
  "entitlement": "files-delete", "scope": sprintf("file/%s", [input.resource.id]), "title": "Delete a file",
  "binding": "scope", "max_uses": 1, "max_duration": "10m",
} if input.action.name == "delete"
`;

const possible = (await canStartSystem()) && (await hasOpa());
let folder: string;
let system: System;
let front: TlsFront;
let endpoint: string;
let enforcer: Call;
let grpc: DecisionServiceClient;
let subject: Known;

beforeAll(async () => {
  if (!possible) return;
  folder = await mkdtemp(join(tmpdir(), "access-request-"));
  const path = await bundleWith(folder, POLICY);
  const tokenPath = join(folder, "token");
  await writeFile(tokenPath, SERVICE_TOKEN);
  const askerPath = join(folder, "asker");
  await writeFile(askerPath, ASKER_TOKEN);
  const [httpPort, grpcPort] = [await freePort(), await freePort()];
  const bundle = { path, unsigned: "accepted" };
  front = await startTlsFront(() => Number(new URL(system.approval.url).port));
  endpoint = front.origin + PATH;
  system = await startSystem({
    decisionSettings(settings) {
      const clients = settings.identity.issuers.slice(0, 1).flatMap(({ issuer }) => {
        const subjects = { user: issuer };
        const asker = { name: "asker", tokenPath: askerPath, subjects };
        return [{ name: "enforcer", tokenPath, subjects, enforcer: true }, asker];
      });
      const api = { baseUrl: PDP, httpPort, grpcPort, accessRequestEndpoint: endpoint, clients };
      return { ...settings, bundle, api };
    },
    approvalSettings: (settings) => ({
      ...settings,
      bundle,
      accessRequests: { endpoint, decisionPoints: [PDP] },
    }),
  });
  enforcer = createCall(`http://127.0.0.1:${httpPort}`, SERVICE_TOKEN);
  subject = await knownAs(system, "dana");
  grpc = new DecisionServiceClient(`127.0.0.1:${grpcPort}`, credentials.createInsecure());
}, 180_000);
afterAll(async () => {
  grpc?.close();
  await system?.[Symbol.asyncDispose]();
  await front?.[Symbol.asyncDispose]();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
}, 60_000);

const resource = { type: "file", id: "q3" };
const action = { name: "delete" };
const evaluate = (context: object = {}) =>
  enforcer("POST", "/access/v1/evaluation", {
    body: { subject, action, resource, context, options: { countersign_mode: "enforce" } },
  });

function submissionOf(denied: Answer): object {
  return {
    ...{ subject, action, resource },
    context: JUSTIFIED,
    denial: shownDenial(denied.body),
  };
}

(possible ? describe : describe.skip)("an enforcer over AuthZEN", () => {
  test("asks for what was denied, is allowed once by an approval of somebody else, and then has to ask again", async () => {
    const denied = await requestable(() => evaluate());
    expect(denied.body).toMatchObject({ decision: false, context: { reason: "approval_required" } });
    const body = submissionOf(denied);
    const [dana, max, sam] = [await system.as("dana"), await system.as("max"), await system.as("sam")];
    // Nobody else's, although the token is good.
    const foreign = await waitUntil("the denial to arrive", 30_000, async () => {
      const answer = await sam.approvals("POST", PATH, { body });
      return answer.status !== 404 && answer;
    });
    expect(foreign.body).toMatchObject({ status: 400, code: "not_requestable" });
    const task = await dana.approvals("POST", PATH, { body, headers: { "idempotency-key": "one" } });
    expect(task).toMatchObject({ status: 202, body: { task: { status: "pending" } } });
    const id = textAt(task.body, "task", "id");
    expect((await evaluate()).body).toMatchObject({ decision: false });

    const seen = await max.approvals("GET", `/v1/requests/${id}`);
    const digest = textAt(seen.body, "request", "digest");
    const vote = { body: { vote: "approve", digest } };
    expect((await max.approvals("POST", `/v1/requests/${id}/reviews`, vote)).status).toBe(200);
    const done = await dana.approvals("GET", `${PATH}/${id}`);
    expect(done.body).toMatchObject({ task: { status: "approved" }, result: { mode: "reevaluate" } });
    const approval: unknown = Reflect.get(Object(Reflect.get(Object(done.body), "result")), "approval");

    const allowed = await waitUntil("the grant to arrive", 30_000, async () => {
      const answer = await evaluate({ approval });
      const decided: unknown = Reflect.get(Object(answer.body), "decision");
      if (decided !== true) expect(answer.body).toMatchObject({ context: { next_action: "retry" } });
      return decided === true && answer;
    });
    expect(allowed.body).toMatchObject({ context: { approval: { id: Reflect.get(Object(approval), "id") } } });
    const again = await waitUntil("the use to be known here", 30_000, async () => {
      const answer = await evaluate({ approval });
      return Reflect.get(Object(Reflect.get(Object(answer.body), "context")), "grant_reason") === "spent" && answer;
    });
    expect(again.body).toMatchObject({
      decision: false,
      context: { reason: "approval_expired", next_action: "request", access_request: { endpoint } },
    });
  }, 120_000);

  test("arap-6-6: submits to the address in the metadata, and looks at its task and takes it back where the answer says", async () => {
    const token = await system.token("dana");
    const published = textAt(
      (await enforcer("GET", "/.well-known/authzen-configuration")).body,
      "access_request_endpoint",
    );
    const denied = await requestable(() => evaluate({ purpose: "submitted where the metadata says" }));
    const body = { ...submissionOf(denied), context: { purpose: "submitted where the metadata says", ...JUSTIFIED } };
    expect(await front.call("POST", published, { token: "nobody", body })).toMatchObject({ status: 401 });
    const task = await waitUntil("the denial to arrive", 30_000, async () => {
      const answer = await front.call("POST", published, { token, body });
      return answer.status !== 404 && answer;
    });
    expect(task).toMatchObject({ status: 202, body: { task: { status: "pending" } } });
    const seen = await front.call("GET", textAt(task.body, "task", "status_endpoint"), { token });
    expect(seen).toMatchObject({ status: 200, body: { task: { status: "pending" } } });
    const taken = await front.call("POST", textAt(seen.body, "task", "links", "cancel"), { token, body: {} });
    expect(taken).toMatchObject({ status: 200, body: { task: { status: "cancelled" } } });
  }, 30_000);

  test("publishes by which keys its tokens are verified, for everybody", async () => {
    const metadata = await enforcer("GET", "/.well-known/authzen-configuration");
    expect(metadata.body).toMatchObject({ jwks_uri: `${PDP}/access/v1/jwks`, access_request_endpoint: endpoint });
    const keys = await enforcer("GET", "/access/v1/jwks");
    expect(keys.body).toMatchObject({ keys: [{ kid: "decision-1", use: "sig" }] });
  });
});

/** The answer, or the code of the error in its place. */
function judged(token: string, name: string, mode: Mode): Promise<EvaluateResponse | status> {
  const question = {
    ...{ subject, mode, context: undefined },
    resource: { type: "file", id: name, properties: undefined },
    action: { name: "delete", properties: undefined },
  };
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${token}`);
  return new Promise((resolve) => {
    grpc.evaluate(question, metadata, { deadline: Date.now() + 30_000 }, (error: ServiceError | null, answer) =>
      resolve(error === null ? answer : error.code),
    );
  });
}

(possible ? describe : describe.skip)("an enforcer over DecisionService", () => {
  const enforced = (name: string) => judged(SERVICE_TOKEN, name, Mode.MODE_ENFORCE);

  test("that is not configured as one is refused, and nothing can be asked for", async () => {
    for (const token of [ASKER_TOKEN, await system.token("dana")]) {
      expect(await judged(token, "q4", Mode.MODE_ENFORCE)).toBe(status.PERMISSION_DENIED);
    }
    const asked = await judged(ASKER_TOKEN, "q4", Mode.MODE_ASK);
    expect(asked).toMatchObject({ outcome: Outcome.OUTCOME_NEEDS_APPROVAL, denial: undefined });
    const dana = await system.as("dana");
    const denials = await dana.approvals("GET", "/v1/denials");
    expect(JSON.stringify(denials.body)).not.toContain("file/q4");
  });

  test("is told which denial can be submitted; once approved, of many that enforce at once one uses it, and whoever only asks none", async () => {
    const [dana, max] = [await system.as("dana"), await system.as("max")];
    const denied = await enforced("q5");
    expect(denied).toMatchObject({ outcome: Outcome.OUTCOME_NEEDS_APPROVAL, denial: { id: expect.any(String) } });
    const body = { denial_id: textAt(denied, "denial", "id"), justification: REASON };
    const submitted = await waitUntil("the denial to arrive", 30_000, async () => {
      const answer = await dana.approvals("POST", "/v1/requests", { body });
      return answer.status !== 404 && answer;
    });
    const review = { body: { vote: "approve", digest: textAt(submitted.body, "request", "digest") } };
    const reviews = `/v1/requests/${textAt(submitted.body, "request", "id")}/reviews`;
    const approved = await max.approvals("POST", reviews, review);
    expect(approved).toMatchObject({ status: 200, body: { grant: { max_uses: 1 } } });
    const grantId = textAt(approved.body, "grant", "id");
    const uses = async () => (await dana.approvals("GET", `/v1/grants/${grantId}`)).body;

    await waitUntil("the grant to arrive", 30_000, async () => {
      const asked = await judged(ASKER_TOKEN, "q5", Mode.MODE_ASK);
      return Reflect.get(Object(asked), "grantReason") === "use_by_enforce";
    });
    expect(await judged(ASKER_TOKEN, "q5", Mode.MODE_ENFORCE)).toBe(status.PERMISSION_DENIED);
    expect(await uses()).toMatchObject({ uses: 0 });

    const all = await Promise.all(Array.from({ length: 8 }, () => enforced("q5")));
    const allowed = all.filter((one) => Reflect.get(Object(one), "outcome") === Outcome.OUTCOME_ALLOW);
    expect(allowed).toMatchObject([{ grantId, denial: undefined }]);
    for (const other of all.filter((one) => !allowed.includes(one))) {
      expect(other).toMatchObject({ outcome: Outcome.OUTCOME_NEEDS_APPROVAL, grantReason: "spent" });
    }
    expect(await uses()).toMatchObject({ uses: 1, state: "consumed" });
    expect(await enforced("q5")).toMatchObject({ outcome: Outcome.OUTCOME_NEEDS_APPROVAL });
  }, 60_000);
});
