/**
 * As decided-input.test.ts for a policy that was written for opa-envoy-plugin: `npm run policy -- inputs ID` shows what the plugin would have
 * built of that call, and the bundle of the real compiler says the same of it again. Nothing is kept of a call that no policy was asked about.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { BUILTINS } from "../../../core/policy/builtins/registry.ts";
import { readBundleFiles } from "../../../core/policy/bundle.ts";
import { loadCompatPolicy } from "../../../core/policy/compat-policy.ts";
import { recordedInputs } from "../../../core/policy/explain/recorded-inputs.ts";
import {
  AuthorizationService,
  CheckRequest,
  CheckResponse,
} from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { resolveTool } from "../../../scripts/tools/resolve-tool.ts";
import { runCommand } from "../../../scripts/tools/run-command.ts";
import { peer } from "../../bench/check/sample-check.ts";
import { frame, sendFrames } from "../../harness/grpc-frames.ts";
import { hasOpa } from "../../harness/made-bundle.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { startLoneDecision } from "./lone-decision.ts";

const root = join(import.meta.dirname, "../../..");
const PATH = "envoy/authz/allow";
const POLICY = `package envoy.authz

default allow := {"allowed": false, "http_status": 402}

allow if input.parsed_body.amount < 40.2
`;
/** Beyond 2^53, and with a zero at its end. */
const BODY = '{"order":9007199254740993,"amount":40.10}';

((await hasOpa()) ? describe : describe.skip)("a service in compatibility mode that keeps inputs", () => {
  let folder: string;
  let bundle: string;
  let service: Decision;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "decided-compat-input-"));
    bundle = join(folder, "bundle.tar.gz");
    const opa = await resolveTool("opa");
    if (opa.kind === "missing") throw new Error(opa.reason);
    await writeFile(join(folder, "policy.rego"), POLICY);
    const args = ["build", "-t", "wasm", "-e", PATH, "-o", bundle, "policy.rego"];
    expect(await runCommand(opa.location, args, { timeoutMs: 60_000, cwd: folder })).toMatchObject({ kind: "done" });
    const further = { development: { keepInputs: 2 } };
    service = await startLoneDecision({
      ...{ folder, name: "decision", bundle, further },
      policy: { compat: { path: PATH } },
    });
  });
  afterAll(async () => {
    await service?.kill();
    await rm(folder, { recursive: true, force: true });
  });

  async function answerTo(path: string, body: string): Promise<CheckResponse> {
    const call = frame(joinedCheck(path, body));
    const { message } = await sendFrames(service.port, { path: AuthorizationService.check.path, body: call });
    return CheckResponse.decode(message ?? Buffer.alloc(0));
  }

  async function inputs(...args: readonly string[]) {
    const command = ["scripts/policy.ts", "inputs", ...args, "--ops", service.opsUrl];
    return runCommand(process.execPath, command, { timeoutMs: 60_000, cwd: root });
  }

  test("none is kept of a call that cannot be described to the policy", async () => {
    expect(await answerTo("/refunds", "{")).toMatchObject({ status: { code: 7 } });
    expect(await inputs()).toEqual({ kind: "done", output: "" });
  });

  test("an id gives the input of that decision to the last digit, which the bundle decides alike, at the same cost", async () => {
    const answer = await answerTo("/refunds?n=1", BODY);
    expect(answer).toMatchObject({ status: { code: 0 } });
    const decisionId = String(answer.dynamicMetadata?.["decision_id"]);
    await answerTo("/refunds?n=2", "{}");
    const told = await inputs(decisionId);
    const line = told.kind === "done" ? told.output : "";
    expect(line).toContain(`"decision_id":"${decisionId}"`);
    expect(line).toContain(`"parsed_body":${BODY}`);
    expect(line).toContain('"parsed_query":{"n":["1"]}');
    expect(line).toContain('"encoding":"protojson"');

    const deps = { builtins: BUILTINS, randomBytes, monotonicMs: () => performance.now() };
    const policy = await loadCompatPolicy(deps, { files: await readBundleFiles(bundle), path: PATH });
    const [recorded] = recordedInputs(line);
    const { result, fuelUsed } = policy.evaluate(recorded?.json ?? "", { nowNs: recorded?.nowNs ?? 0n });
    expect(JSON.parse(line)).toMatchObject({ revision: policy.revision, verdict: result.kind, fuel_used: fuelUsed });
    expect(result.kind).toBe("allow");
  });

  test("one that is not kept any more gives none", async () => {
    const first = String((await answerTo("/refunds", BODY)).dynamicMetadata?.["decision_id"]);
    await answerTo("/refunds", "{}");
    await answerTo("/refunds", "{}");
    expect(await inputs(first)).toMatchObject({ kind: "failed" });
  });
});

/** As the committed compatibility bootstrap has Envoy send it: headers joined, the body as text. */
function joinedCheck(path: string, body: string): Uint8Array {
  const http = {
    ...{ id: "1", method: "POST", path, host: "shop.example", scheme: "https", protocol: "HTTP/1.1" },
    ...{ query: "", fragment: "", headers: new Map([["content-type", "application/json"]]), headerMap: undefined },
    ...{ size: body.length, body, rawBody: Buffer.alloc(0) },
  };
  const [source, destination] = [peer("192.0.2.17", 51_234), peer("198.51.100.4", 8_080)];
  const request = { time: new Date(1_795_478_400_000), http };
  return CheckRequest.encode({ attributes: { source, destination, request, contextExtensions: new Map() } }).finish();
}
