/** A decision service that starts while one of its identity providers is away, and has no keys of it from before: the others' people are served. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { credentials, Metadata, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { DecisionServiceClient, Mode } from "../../../proto/gen/countersign/v1/decision.ts";
import { freePort } from "../../harness/free-port.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { createEnforcer } from "./ask-check.ts";
import { AUDIENCE, claims, honestKey, ISSUER, startLoneDecision, token } from "./lone-decision.ts";

const AWAY = "https://away.example";
let folder: string;
let decision: Decision;
let enforcer: ReturnType<typeof createEnforcer>;
let httpPort: number;
let grpc: DecisionServiceClient;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "issuer-away-"));
  const issuer = (name: string, file: string) => ({
    ...{ issuer: name, audience: [AUDIENCE], algorithms: ["EdDSA"], jwks_file: join(folder, file) },
  });
  const issuers = [issuer(ISSUER, "decision-keys.json"), issuer(AWAY, "away.json")];
  const grpcPort = await freePort();
  httpPort = await freePort();
  const api = { baseUrl: "https://pdp.example", httpPort, grpcPort };
  decision = await startLoneDecision({ folder, name: "decision", identity: { issuers }, further: { api } });
  enforcer = createEnforcer(decision.port);
  grpc = new DecisionServiceClient(`127.0.0.1:${grpcPort}`, credentials.createInsecure());
});
afterAll(async () => {
  enforcer.close();
  grpc.close();
  await decision.kill();
  await rm(folder, { recursive: true, force: true });
});

const tokenOfAway = () => token({ payload: claims({ iss: AWAY }) });
const ofAway = () => enforcer.outcome(tokenOfAway());

const QUESTION = {
  subject: { type: "user", id: "dana", properties: undefined },
  action: { name: "read", properties: undefined },
  resource: { type: "file", id: "f1", properties: undefined },
};

/** What is told of a token at the API, by HTTP. */
async function toldByHttp(at: string, bearer: string): Promise<readonly unknown[]> {
  const headers = { authorization: `Bearer ${bearer}`, "content-type": "application/json" };
  const body = JSON.stringify(QUESTION);
  const response = await fetch(`http://127.0.0.1:${httpPort}/access/v1/${at}`, { method: "POST", headers, body });
  const text = await response.text();
  return [response.status, response.headers.get("retry-after"), response.headers.get("www-authenticate"), text];
}

function toldByGrpc(bearer: string): Promise<status> {
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${bearer}`);
  const request = { ...QUESTION, context: undefined, mode: Mode.MODE_ASK };
  return new Promise((resolve) => {
    grpc.evaluate(request, metadata, { deadline: Date.now() + 30_000 }, (error) => resolve(error?.code ?? status.OK));
  });
}

test("whoever the issuer vouches for is refused and told why, everybody else is served, and operators are told", async () => {
  expect(await ofAway()).toBe("503 keys_unavailable");
  expect(await enforcer.outcome(token())).toBe("allow");
  const response = await fetch(`${decision.opsUrl}/readyz`);
  expect([response.status, await response.text()]).toEqual([
    200,
    expect.stringContaining(`"keys":{"status":"degraded","detail":"no usable keys of ${AWAY}"}`),
  ]);
  expect(await decision.log()).toContain('"event":"keys_not_read"');
});

test.each(["evaluation", "evaluations", "search/resource"])(
  "at %s of the API whoever it vouches for is told to come back, and not that the token is bad",
  async (at) => {
    const away = await toldByHttp(at, tokenOfAway());
    expect(away).toEqual([503, "5", null, expect.stringContaining("keys_unavailable")]);
    const forged = await toldByHttp(at, token({ signature: () => "AAAA" }));
    expect(forged).toEqual([401, null, 'Bearer error="invalid_token"', expect.any(String)]);
  },
);

test("so it is by gRPC", async () => {
  expect(await toldByGrpc(tokenOfAway())).toBe(status.UNAVAILABLE);
  expect(await toldByGrpc(token({ signature: () => "AAAA" }))).toBe(status.UNAUTHENTICATED);
  expect(await toldByGrpc(token())).toBe(status.OK);
});

test("when it is back, its people are served without a restart", async () => {
  const jwk = { ...honestKey.publicKey.export({ format: "jwk" }), kid: "honest", alg: "EdDSA", use: "sig" };
  await writeFile(join(folder, "away.json"), JSON.stringify({ keys: [jwk] }));
  await waitUntil("its keys to be read", 60_000, async () => (await ofAway()) === "allow");
  expect(await toldByHttp("evaluation", tokenOfAway())).toEqual([200, null, null, expect.any(String)]);
  expect(await toldByGrpc(tokenOfAway())).toBe(status.OK);
});
