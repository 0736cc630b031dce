/**
 * A policy that was written for opa-envoy-plugin, compiled as the migration guide says, behind the real decision service
 * and a real Envoy with the committed compatibility bootstrap. What the plugin lets through by habit (an undefined policy,
 * a dry run) opens something only where `compat.unsafe` says so, and then everybody can see it.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { resolveTool } from "../../../scripts/tools/resolve-tool.ts";
import { runCommand } from "../../../scripts/tools/run-command.ts";
import { hasEnvoy, type RunningEnvoy, startEnvoy } from "../../harness/envoy.ts";
import { freePort } from "../../harness/free-port.ts";
import { rawRequest, sendRaw } from "../../harness/raw-http.ts";
import { type RecordingUpstream, startRecordingUpstream } from "../../harness/recording-upstream.ts";
import { createDecision, type Decision } from "../../harness/system/decision.ts";
import { makeKeyPair } from "../../harness/system/key-pair.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";

const POLICY = `package envoy.authz

allow := {"allowed": false, "http_status": 402, "body": "pay first", "headers": {"x-why": "unpaid"}} if {
	input.parsed_path == ["denied"]
}

allow := {
	"allowed": true,
	"headers": {"x-user": input.attributes.request.http.headers["x-who"], "x-total": format_int(input.parsed_body.total, 10)},
	"request_headers_to_remove": ["x-secret"],
	"response_headers_to_add": {"x-seen": "yes"},
	"query_parameters_to_set": {"page": "1"},
} if {
	input.parsed_path == ["orders"]
	input.parsed_body.total < 100
}

allow if input.parsed_path == ["plain"]

allow := "perhaps" if input.parsed_path == ["perhaps"]
`;

const opa = await resolveTool("opa");
const canRun = (await hasEnvoy()) && opa.kind === "found";

(canRun ? describe : describe.skip)("an opa-envoy-plugin policy behind Envoy", () => {
  let folder: string;
  let bundle: string;
  let upstream: RecordingUpstream;
  const running: AsyncDisposable[] = [];
  const decisions: Decision[] = [];

  beforeAll(async () => {
    if (opa.kind !== "found") return;
    folder = await mkdtemp(join(tmpdir(), "compat-"));
    await mkdir(join(folder, "policy"));
    await writeFile(join(folder, "policy/policy.rego"), POLICY);
    bundle = join(folder, "bundle.tar.gz");
    const args = ["build", "-t", "wasm", "-e", "envoy/authz/allow", "-o", bundle, "policy"];
    const built = await runCommand(opa.location, args, { timeoutMs: 60_000, cwd: folder });
    expect(built).toMatchObject({ kind: "done" });
    upstream = await startRecordingUpstream();
  });

  afterAll(async () => {
    for (const one of running) await one[Symbol.asyncDispose]();
    for (const one of decisions) await one.kill();
    await upstream?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  async function start(name: string, compat: object): Promise<{ decision: Decision; envoy: RunningEnvoy }> {
    const nowhere = `127.0.0.1:${await freePort()}`;
    const decision = await createDecision(
      {
        ...{ folder, name, deployment: "test", issuers: [], brokers: [nowhere], requestUrl: "https://a.example" },
        signing: await makeKeyPair(folder, `${name}-signing`),
        stateRelay: await makeKeyPair(folder, `${name}-relay`),
        redemption: { address: nowhere, serviceToken: "unused, but long enough" },
      },
      ({ state: _state, redemption: _redemption, ...settings }) => ({
        ...settings,
        bundle: { path: bundle, unsigned: "accepted" },
        policy: { compat: { path: "envoy/authz/allow", ...compat } },
      }),
    );
    decisions.push(decision);
    await decision.start();
    const ports = new Map([
      [9191, decision.port],
      [8081, upstream.port],
    ]);
    const envoy = await startEnvoy({ bootstrap: "enforcers/envoy/compat.yaml", ports });
    running.push(envoy);
    await waitUntil("Envoy to believe the service", 30_000, async () => {
      return (await sendRaw(envoy.port, rawRequest("GET", "/plain", []))).status === 200;
    });
    upstream.received.length = 0;
    return { decision, envoy };
  }

  describe("as it is meant to run", () => {
    let decision: Decision;
    let envoy: RunningEnvoy;
    beforeAll(async () => {
      ({ decision, envoy } = await start("safe", {}));
    });

    const send = (method: string, target: string, lines: readonly string[] = [], body?: Uint8Array) => {
      upstream.received.length = 0;
      return sendRaw(envoy.port, rawRequest(method, target, lines, body));
    };

    test("a denial is told as the policy wrote it, and reaches no upstream", async () => {
      const answer = await send("GET", "/denied");
      expect(answer.status).toBe(402);
      expect(JSON.stringify(answer)).toContain("pay first");
      expect(JSON.stringify(answer)).toContain("unpaid");
      expect(upstream.received).toEqual([]);
    });

    test.each([
      ["an undefined policy", "/unknown", 503],
      ["a result that is neither yes nor no", "/perhaps", 503],
      ["a query that cannot be parsed", "/plain?a=1;b=2", 400],
    ])("%s is denied and reaches no upstream", async (_name, target, status) => {
      expect((await send("GET", target)).status).toBe(status);
      expect(upstream.received).toEqual([]);
    });

    test("a body beyond the limit is 413, one that breaks off is not judged", async () => {
      const json = ["content-type: application/json"];
      expect((await send("POST", "/orders", json, Buffer.alloc(70_000, 32))).status).toBe(413);
      expect((await send("POST", "/orders", json, Buffer.from('{"total": 1'))).status).toBe(400);
      expect(upstream.received).toEqual([]);
    });

    test("a header of ours that a client sends reaches no upstream", async () => {
      await send("GET", "/plain", ["countersign-subject: root"]);
      expect(upstream.received.at(-1)?.headers["countersign-subject"]).toBeUndefined();
    });

    test("an allow carries out every field that the policy wrote", async () => {
      const lines = ["content-type: application/json", "x-who: dana", "x-secret: s"];
      const answer = await send("POST", "/orders?page=9", lines, Buffer.from('{"total": 40}'));
      expect(answer.status).toBe(200);
      expect(JSON.stringify(answer)).toContain("x-seen");
      const [request] = upstream.received;
      expect(request?.headers["x-user"]).toBe("dana");
      expect(request?.headers["x-total"]).toBe("40");
      expect(request?.headers["x-secret"]).toBeUndefined();
      expect(request?.url).toBe("/orders?page=1");
    });

    test("nothing unsafe is shown", async () => {
      expect(await (await fetch(`${decision.opsUrl}/readyz`)).text()).toContain('"compat":{"status":"ok"}');
      expect(await (await fetch(`${decision.opsUrl}/metrics`)).text()).toContain("compat_unsafe 0");
    });
  });

  test("a dry run allows what the policy denies, and says so in /readyz and a metric; a fault stays closed", async () => {
    const { decision, envoy } = await start("dry", { dryRun: true, unsafe: true });
    expect((await sendRaw(envoy.port, rawRequest("GET", "/perhaps", []))).status).toBe(503);
    expect((await sendRaw(envoy.port, rawRequest("GET", "/denied", []))).status).toBe(200);
    expect(upstream.received.map(({ url }) => url)).toEqual(["/denied"]);
    expect(await (await fetch(`${decision.opsUrl}/readyz`)).text()).toContain("unsafe: onError deny, dryRun true");
    expect(await (await fetch(`${decision.opsUrl}/metrics`)).text()).toContain("compat_unsafe 1");
  });
});
