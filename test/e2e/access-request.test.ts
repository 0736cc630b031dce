/**
 * An enforcer that speaks AuthZEN, in the whole real set: what it is denied is asked for by the profile, approved by somebody else, and allowed
 * once. The endpoint is https in all they are told; here its path is called where the approval service really listens.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { freePort } from "../harness/free-port.ts";
import { hasOpa, makeBundle } from "../harness/made-bundle.ts";
import { canStartSystem, startSystem, type System } from "../harness/system.ts";
import { type Answer, type Call, createCall, textAt } from "../../platform/programs/client.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";

const PDP = "https://pdp.example";
const ENDPOINT = "https://approvals.example/access/v1/requests";
const PATH = "/access/v1/requests";
const SERVICE_TOKEN = "service-token-of-an-enforcer";
const REASON = "the customer asked for it, ticket 4711";
const POLICY = `package countersign.policies.files

elevate contains {
  "entitlement": "files-delete", "scope": sprintf("file/%s", [input.resource.id]), "title": "Delete a file",
  "binding": "scope", "max_uses": 1, "max_duration": "10m",
} if input.action.name == "delete"
`;

const possible = (await canStartSystem()) && (await hasOpa());
let folder: string;
let system: System;
let enforcer: Call;
let subject: object;

beforeAll(async () => {
  if (!possible) return;
  folder = await mkdtemp(join(tmpdir(), "access-request-"));
  const rego = join(import.meta.dirname, "../../rego/countersign");
  const names = ["decision.rego", "approval/route.rego", "approval/may_review.rego"];
  const texts = await Promise.all(names.map((name) => readFile(join(rego, name), "utf8")));
  const path = join(folder, "bundle");
  await makeBundle(path, [...texts, POLICY], { countersign: { requires: {} } });
  const tokenPath = join(folder, "token");
  await writeFile(tokenPath, SERVICE_TOKEN);
  const httpPort = await freePort();
  const bundle = { path, unsigned: "accepted" };
  system = await startSystem({
    decisionSettings(settings) {
      const clients = settings.identity.issuers.slice(0, 1).map(({ issuer }) => {
        return { name: "enforcer", tokenPath, subjects: { user: issuer }, enforcer: true };
      });
      return { ...settings, bundle, api: { baseUrl: PDP, httpPort, accessRequestEndpoint: ENDPOINT, clients } };
    },
    approvalSettings: (settings) => ({
      ...settings,
      bundle,
      accessRequests: { endpoint: ENDPOINT, decisionPoints: [PDP] },
    }),
  });
  enforcer = createCall(`http://127.0.0.1:${httpPort}`, SERVICE_TOKEN);
  const [, payload = ""] = (await system.token("dana")).split(".");
  const claims: { readonly sub?: string; readonly email?: string } = Object(
    JSON.parse(Buffer.from(payload, "base64url").toString()),
  );
  // As the enforcer knows her: the claims that make her the person she is to the approval service.
  subject = { type: "user", id: claims.sub, properties: { ...claims, iss: undefined, sub: undefined } };
}, 180_000);
afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
}, 60_000);

const resource = { type: "file", id: "q3" };
const action = { name: "delete" };
const evaluate = (context: object = {}) =>
  enforcer("POST", "/access/v1/evaluation", {
    body: { subject, action, resource, context, options: { countersign_mode: "enforce" } },
  });

function submissionOf(denied: Answer): object {
  const offer = (name: string) => textAt(denied.body, "context", "access_request", name);
  return {
    ...{ subject, action, resource },
    context: { business_justification: REASON },
    denial: {
      evaluation_id: textAt(denied.body, "context", "evaluation_id"),
      expires_at: offer("expires_at"),
      binding_token: offer("binding_token"),
    },
  };
}

(possible ? describe : describe.skip)("an enforcer over AuthZEN", () => {
  test("asks for what was denied, is allowed once by an approval of somebody else, and then has to ask again", async () => {
    const denied = await evaluate();
    expect(denied.body).toMatchObject({ decision: false, context: { reason: "approval_required" } });
    const body = submissionOf(denied);
    const [dana, max, sam] = [await system.as("dana"), await system.as("max"), await system.as("sam")];
    // Nobody else's, although the token is good.
    const foreign = await waitUntil("the denial to arrive", 10_000, async () => {
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

    const allowed = await waitUntil("the grant to arrive", 10_000, async () => {
      const answer = await evaluate({ approval });
      const decided: unknown = Reflect.get(Object(answer.body), "decision");
      if (decided !== true) expect(answer.body).toMatchObject({ context: { next_action: "retry" } });
      return decided === true && answer;
    });
    expect(allowed.body).toMatchObject({ context: { approval: { id: Reflect.get(Object(approval), "id") } } });
    const again = await waitUntil("the use to be known here", 10_000, async () => {
      const answer = await evaluate({ approval });
      return Reflect.get(Object(Reflect.get(Object(answer.body), "context")), "grant_reason") === "spent" && answer;
    });
    expect(again.body).toMatchObject({
      decision: false,
      context: { reason: "approval_expired", next_action: "request", access_request: { endpoint: ENDPOINT } },
    });
  }, 120_000);

  test("publishes by which keys its tokens are verified, for everybody", async () => {
    const metadata = await enforcer("GET", "/.well-known/authzen-configuration");
    expect(metadata.body).toMatchObject({ jwks_uri: `${PDP}/access/v1/jwks`, access_request_endpoint: ENDPOINT });
    const keys = await enforcer("GET", "/access/v1/jwks");
    expect(keys.body).toMatchObject({ keys: [{ kid: "decision-1", use: "sig" }] });
  });
});
