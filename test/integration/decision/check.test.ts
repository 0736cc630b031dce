/**
 * The decision service's edge over real gRPC: real server, real path, real compiled policy, real grants view fed with
 * signed-record values, real denials over a stream that is a list. Only identity is simplified: the header names the
 * subject. Whatever is sent, the answer is a CheckResponse, and nothing that is not understood is an allow.
 */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, credentials, type ServiceError, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { id } from "../../../core/domain/id.ts";
import { instant } from "../../../core/domain/time.ts";
import { readDenial } from "../../../core/messages/denial-record.ts";
import { createSigner } from "../../../core/messages/signing.ts";
import { stateRecordHash } from "../../../core/messages/record-keys.ts";
import { grantKey } from "../../../core/messages/state-record.ts";
import type { Grant } from "../../../core/domain/grant.ts";
import { BUILTINS } from "../../../core/policy/builtins/registry.ts";
import { loadBundle } from "../../../core/policy/bundle.ts";
import { createPolicyHost } from "../../../core/policy/policy-host.ts";
import { systemClock, uuidv7 } from "../../../platform/clock.ts";
import { createLog } from "../../../platform/log/log.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import type { OutgoingRecord } from "../../../platform/stream/port.ts";
import {
  AuthorizationService,
  CheckRequest,
  CheckResponse,
} from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { createContext } from "../../../services/decision/context/gather.ts";
import { createLocalTime } from "../../../services/decision/context/local-time.ts";
import { createSourceAddress } from "../../../services/decision/context/source-address.ts";
import { startDecisionLog } from "../../../services/decision/decision-log/decision-log.ts";
import { createDenials } from "../../../services/decision/denials/publish.ts";
import { createTokenBuckets } from "../../../platform/token-buckets.ts";
import { createEvaluate } from "../../../services/decision/evaluate.ts";
import { createCheck } from "../../../services/decision/ext-authz/check.ts";
import { type CheckServer, startCheckServer } from "../../../services/decision/ext-authz/server.ts";
import { createGrantsView, type GrantsView } from "../../../services/decision/grants/grants-view.ts";
import { createPolicy } from "../../../services/decision/policy/ask-policy.ts";
import { createObserveEvaluation } from "../../../services/decision/policy/observe-evaluation.ts";
import { createSuspensions } from "../../../services/decision/policy/suspensions.ts";
import type { Policy } from "../../../services/decision/ports.ts";

const ISSUER = "https://issuer.example";
const log = createLog({ name: "test", level: "silent" });
const { privateKey } = generateKeyPairSync("ed25519");
const signer = createSigner("pdp-a", privateKey.export({ type: "pkcs8", format: "pem" }).toString());
const readClocks = () => ({ wall: instant(Date.now()), monoMs: performance.now() });
const problem = Compile(
  Type.Object({
    type: Type.String(),
    status: Type.Integer(),
    outcome: Type.String(),
    reasons: Type.Array(Type.String()),
    decision_id: Type.String(),
    denial_id: Type.Optional(Type.String()),
    grant_reason: Type.Optional(Type.String()),
  }),
);

let folder: string;
let server: CheckServer;
let client: Client;
let view: GrantsView;
let policyInstead: Policy | undefined;
const published: OutgoingRecord[] = [];
const open: AsyncDisposable[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "check-"));
  const metrics = createMetrics({ prefix: "t_" });
  const stream = {
    publish: (records: readonly OutgoingRecord[]) => {
      published.push(...records.filter(({ topic }) => topic.includes("denials")));
      return Promise.resolve({ kind: "acked" as const });
    },
  };
  const host = createPolicyHost(
    { builtins: BUILTINS, randomBytes, monotonicMs: () => performance.now() },
    { defaultRealm: "corp" },
  );
  expect(await host.activate(await loadBundle(join(import.meta.dirname, "../../../rego/bundle")))).toMatchObject({
    kind: "activated",
  });
  view = createGrantsView();
  const sourceAddress = createSourceAddress({ trustedProxies: 0 });
  const real = createPolicy({
    host,
    suspensions: createSuspensions(),
    observe: createObserveEvaluation(metrics),
    monotonicMs: systemClock.monotonicMs,
  });
  const decisionLog = startDecisionLog(
    { stream, signer, log, metrics, now: () => readClocks().wall },
    { folder, deployment: "test", boot: uuidv7(), required: true, policyRevision: () => host.revision() },
  );
  open.push(decisionLog);
  const faults = { report: () => {} };
  const evaluate = createEvaluate({
    identity: {
      identify({ authorization: [name] }) {
        if (name === undefined) return Promise.resolve({ kind: "anonymous" });
        if (name === "bad") return Promise.resolve({ kind: "refused", reason: "credential_malformed" });
        const subject = { issuer: ISSUER, id: name, groups: ["engineers"], claims: {}, actors: [] };
        return Promise.resolve({ kind: "subject", subject, expiresAt: Date.now() + 60_000 });
      },
    },
    context: createContext({
      freshness: view.freshness,
      incidents: view.incidents,
      sourceAddress,
      localTime: createLocalTime("UTC", { days: [], from: "08:00", to: "18:00" }),
      profile: undefined,
      countries: undefined,
      device: undefined,
    }),
    policy: { decide: (question, now) => (policyInstead ?? real).decide(question, now) },
    grants: view,
    redemption: { redeem: () => Promise.resolve({ kind: "unavailable" }) },
    denials: createDenials(
      {
        stream,
        signer,
        buckets: createTokenBuckets({ burst: 50, refillMs: 1_000 }),
        newDenialId: () => id("denial", uuidv7()),
        sourceAddress,
        log,
        metrics,
      },
      { deployment: "test" },
    ),
    faults,
  });
  const check = createCheck(
    {
      evaluate,
      decisionLog,
      sourceAddress,
      newDecisionId: () => id("decision", uuidv7()),
      readClocks,
      faults,
      observe: () => {},
    },
    { requestUrl: "https://approvals.example/v1/requests" },
  );
  server = await startCheckServer(
    { check, faults, monotonicMs: systemClock.monotonicMs },
    {
      host: "127.0.0.1",
      port: 0,
      tls: undefined,
      maxMessageBytes: 65_536,
      maxInFlight: 64,
      deadlineMs: 2_000,
      drainMs: 1_000,
    },
  );
  open.push(server);
  client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
});

afterAll(async () => {
  client.close();
  for (const one of open.toReversed()) await one[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** The answer to these bytes; a gRPC error fails the test. */
function send(bytes: Uint8Array): Promise<CheckResponse> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      AuthorizationService.check.path,
      (value: Uint8Array) => Buffer.from(value),
      (value) => CheckResponse.decode(value),
      bytes,
      (error: ServiceError | null, response) => {
        if (error !== null || response === undefined) reject(error ?? new Error("no response"));
        else resolve(response);
      },
    );
  });
}

type Sent = {
  method?: string;
  path?: string;
  headers?: [string, string][];
  raw?: [string, Buffer][];
  body?: string;
  buffered?: boolean;
};

function call({ method = "GET", path = "/orders/42", headers = [], raw = [], body = "", buffered = false }: Sent) {
  const list = [
    ...headers.map(([key, value]) => ({ key, value, rawValue: Buffer.from(value) })),
    ...raw.map(([key, rawValue]) => ({ key, value: "", rawValue })),
  ];
  const http = {
    ...{
      id: "1",
      method,
      path,
      host: "Orders.Example",
      scheme: "https",
      query: "",
      fragment: "",
      protocol: "HTTP/1.1",
    },
    ...{ headers: new Map(), headerMap: { headers: list }, size: body.length, body: "", rawBody: Buffer.from(body) },
  };
  const contextExtensions = new Map(buffered ? [["countersign.body", "buffered"]] : []);
  const attributes = {
    source: undefined,
    destination: undefined,
    request: { time: new Date(), http },
    contextExtensions,
  };
  return send(CheckRequest.encode({ attributes }).finish());
}

function deniedAs(response: CheckResponse) {
  expect(response.status?.code).not.toBe(status.OK);
  if (response.httpResponse?.$case !== "deniedResponse") throw new Error("not a denied response");
  const { value } = response.httpResponse;
  const body: unknown = JSON.parse(value.body);
  if (!problem.Check(body)) throw new Error(`not a problem: ${value.body}`);
  expect(value.status?.code).toBe(body.status);
  const headers = new Map(value.headers.map(({ header }) => [header?.key, header?.value]));
  expect(headers.get("content-type")).toBe("application/problem+json");
  return { ...body, headers };
}

const dana: [string, string] = ["authorization", "dana"];

function fresh() {
  view.heartbeat({ databaseTime: readClocks().wall, setHash: expectedHash }, readClocks());
}
let expectedHash = 0n;

describe("denied", () => {
  test("bytes that are no message, and messages without content, are denied by an answer, never by a gRPC error", async () => {
    expect(deniedAs(await send(Buffer.from([0xff, 0xff, 0xff])))).toMatchObject({
      status: 400,
      reasons: ["request_parse_error"],
    });
    expect(deniedAs(await send(Buffer.alloc(0)))).toMatchObject({ status: 400 });
    expect(deniedAs(await send(Buffer.alloc(100_000)))).toMatchObject({ status: 400 });
  });

  test("whatever bytes arrive, none is an allow and the server stays up", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        expect((await send(bytes)).status?.code).not.toBe(status.OK);
      }),
      { numRuns: 300 },
    );
  });

  test("a header that is not UTF-8 is denied", async () => {
    expect(deniedAs(await call({ headers: [dana], raw: [["x-note", Buffer.from([0x61, 0xff])]] }))).toMatchObject({
      status: 400,
    });
  });

  test("a path that cannot be decoded is denied as the plugin does, with 400", async () => {
    expect(deniedAs(await call({ headers: [dana], path: "/orders/%zz" }))).toMatchObject({ status: 400 });
  });

  test("a malformed credential is 401 with a challenge, never anonymous", async () => {
    const answer = deniedAs(await call({ headers: [["authorization", "bad"]] }));
    expect(answer).toMatchObject({ status: 401, reasons: ["credential_malformed"] });
    expect(answer.headers.get("www-authenticate")).toContain("Bearer");
  });

  test("an undefined policy result is an explicit deny that says when to come back", async () => {
    policyInstead = {
      decide: () => ({
        verdict: { kind: "fault", reason: "policy_result_invalid", detail: "secret detail" },
        revision: "r",
        fuelUsed: 1,
      }),
    };
    const answer = deniedAs(await call({ headers: [dana] }));
    policyInstead = undefined;
    expect(answer).toMatchObject({ status: 503, outcome: "deny", reasons: ["policy_result_invalid"] });
    expect(answer.headers.get("retry-after")).toBe("5");
    expect(JSON.stringify(answer)).not.toContain("secret detail");
  });

  test("a policy that sets a header with a line break allows nothing", async () => {
    const response = {
      headers: [["x-a", "1\r\nx-b: 2"]] as const,
      responseHeadersToAdd: [],
      requestHeadersToRemove: [],
    };
    policyInstead = {
      decide: () => ({ verdict: { kind: "allow", reasons: ["r"], response }, revision: "r", fuelUsed: 1 }),
    };
    const answer = await call({ headers: [dana] });
    policyInstead = undefined;
    expect(deniedAs(answer)).toMatchObject({ status: 503, reasons: ["policy_result_invalid"] });
  });

  test("without a heartbeat elevations are unavailable while the baseline is served", async () => {
    expect(deniedAs(await call({ method: "DELETE", headers: [dana] }))).toMatchObject({
      status: 503,
      reasons: ["grants_stale"],
    });
    expect((await call({ headers: [dana] })).status?.code).toBe(status.OK);
  });

  test("what no rule knows is denied, to nobody in particular too", async () => {
    expect(deniedAs(await call({ path: "/unknown" }))).toMatchObject({ status: 403, reasons: ["no_rule_matched"] });
  });

  test("an exact approval of a body that the enforcer does not promise to buffer cannot be asked for", async () => {
    fresh();
    const body = '{"order":42,"amount":40}';
    const headers: [string, string][] = [dana, ["content-type", "application/json"]];
    const answer = deniedAs(await call({ method: "POST", path: "/refunds", headers, body }));
    expect(answer.status).toBe(403);
    expect(answer.denial_id).toBeUndefined();
  });
});

describe("needs approval", () => {
  test("names a denial that was published whole, the same one when tried again, and no query value travels", async () => {
    fresh();
    const sent = { method: "DELETE", path: "/orders/42?why=private", headers: [dana] };
    const first = deniedAs(await call(sent));
    const again = deniedAs(await call(sent));
    expect(first).toMatchObject({ status: 403, outcome: "needs_approval" });
    expect(again.denial_id).toBe(first.denial_id);
    const record = published.at(-1);
    const denial = readDenial(record?.value ?? Buffer.alloc(0));
    expect(denial).toMatchObject({ kind: "parsed", value: { id: first.denial_id, call: { maskedQuery: "why=***" } } });
    expect(record?.value?.toString()).not.toContain("private");
  });

  test("an exact offer carries a digest that follows from the published hashes", async () => {
    fresh();
    const body = '{"order":42,"amount":40}';
    const headers: [string, string][] = [dana, ["content-type", "application/json"]];
    const answer = deniedAs(await call({ method: "POST", path: "/refunds", headers, body, buffered: true }));
    expect(answer.outcome).toBe("needs_approval");
    const denial = readDenial(published.at(-1)?.value ?? Buffer.alloc(0));
    expect(denial).toMatchObject({ kind: "parsed", value: { offers: [{ binding: { kind: "digest" } }] } });
  });
});

describe("allowed", () => {
  test("identity headers are overwritten, and a client's own are removed in every spelling", async () => {
    const spoofed: [string, string][] = [
      ["Countersign-Subject", "root"],
      ["countersign_subject", "root"],
      ["countersign-decision_id", "1"],
      ["COUNTERSIGN_GRANT_ID", "1"],
      ["countersign.subject", "root"],
    ];
    const response = await call({ headers: [dana, ...spoofed] });
    expect(response.status?.code).toBe(status.OK);
    if (response.httpResponse?.$case !== "okResponse") throw new Error("not an ok response");
    const { headers, headersToRemove } = response.httpResponse.value;
    expect(headers.map(({ header }) => [header?.key, header?.value])).toContainEqual(["countersign-subject", "dana"]);
    expect(headers.every(({ appendAction }) => appendAction === 2)).toBe(true);
    expect(headersToRemove).toEqual(
      expect.arrayContaining([
        "countersign_subject",
        "countersign.subject",
        "countersign-decision_id",
        "countersign_grant_id",
        "countersign-grant-id",
      ]),
    );
    expect(headersToRemove).not.toContain("countersign-subject");
  });

  test("by a window on exactly this scope, and by no other", async () => {
    const now = readClocks().wall;
    const grant: Grant = {
      ...{
        id: id("grant", uuidv7()),
        version: 1,
        requestId: id("request", uuidv7()),
        denialId: id("denial", uuidv7()),
      },
      ...{ person: undefined, issuer: ISSUER, subject: "dana", entitlement: "orders-delete", scope: "order/42" },
      ...{ binding: { kind: "scope" }, state: "active", uses: 0, maxUses: "unlimited" },
      notBefore: instant(now - 1_000),
      expiresAt: instant(now + 600_000),
    };
    const key = grantKey(grant.id);
    view.apply({ key, version: 1, value: { kind: "grant", grant } });
    expectedHash = stateRecordHash(key, 1);
    fresh();
    expect((await call({ method: "DELETE", headers: [dana] })).status?.code).toBe(status.OK);
    fresh();
    const other = deniedAs(await call({ method: "DELETE", path: "/orders/43", headers: [dana] }));
    expect(other).toMatchObject({ outcome: "needs_approval", grant_reason: "outside" });
    const sam = deniedAs(await call({ method: "DELETE", headers: [["authorization", "sam"]] }));
    expect(sam.grant_reason).toBeUndefined();
    const revoked: Grant = { ...grant, version: 2, state: "revoked" };
    view.apply({ key, version: 2, value: { kind: "grant", grant: revoked } });
    expectedHash = stateRecordHash(key, 2);
    fresh();
    expect(deniedAs(await call({ method: "DELETE", headers: [dana] }))).toMatchObject({ grant_reason: "revoked" });
  });
});
