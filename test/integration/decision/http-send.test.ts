/**
 * `http.send` in the real decision service, against a real server: an opa-envoy-plugin policy that runs unchanged, and a native one. The answer
 * decides; nobody waits for somebody else's slow server; whatever cannot be had is a denial; and on record is whom it asked, not what.
 */
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { credentials, Metadata } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { AuthorizationClient, type CheckResponse } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { resolveTool } from "../../../scripts/tools/resolve-tool.ts";
import { runCommand } from "../../../scripts/tools/run-command.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { makeBundle, NO_APPROVAL } from "../../harness/made-bundle.ts";
import { metricLine } from "../../harness/metrics.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { checkOf } from "./ask-check.ts";
import { startLoneDecision } from "./lone-decision.ts";

const TIMEOUT_MS = 2_000;
const SECRET = "s3cret-of-the-policy";

const get = (port: number) =>
  `http.send({"method": "GET", "url": concat("", ["http://127.0.0.1:${port}", path, "?key=${SECRET}"]), "headers": {"authorization": "${SECRET}"}, "enable_redirect": true})`;

const compatPolicy = (port: number) => `package envoy.authz

default allow := false

path := input.attributes.request.http.path

allow if path == "/plain"

allow if {
	path != "/plain"
	response := ${get(port)}
	response.status_code == 200
	response.body.allowed
}
`;

const nativePolicy = (port: number) => `package countersign

path := concat("/", array.concat([""], input.parsed_path))

reasons contains "asked" if ${get(port)}.body.allowed

outcome := {0: "no_rule_matched", 1: "allow"}[count(reasons)]

decision := {"outcome": outcome, "reasons": reasons, "elevations": [], "responses": [], "context_missing": [], "malformed": []}
`;

function serve(request: IncomingMessage, response: ServerResponse): void {
  const { pathname } = new URL(request.url ?? "", "http://server");
  if (pathname === "/slow") return;
  if (pathname === "/away") return void response.writeHead(302, { location: "http://169.254.169.254/latest" }).end();
  response.setHeader("content-type", "application/json");
  if (pathname === "/large") return void response.end(JSON.stringify({ allowed: true, filler: "x".repeat(10 << 20) }));
  response.end(JSON.stringify({ allowed: pathname === "/users/dana" }));
}

const opa = await resolveTool("opa");

(opa.kind === "found" ? describe : describe.skip)("a policy that asks a server", () => {
  const owned = new AsyncDisposableStack();
  let folder: string;
  let server: Server;
  let bundle: string;
  let compat: Decision;
  let native: Decision;

  const network = (port: number, further: object = {}) => ({
    ...{ hosts: [`127.0.0.1:${port}`], allowedRanges: ["127.0.0.0/8"], timeoutMs: TIMEOUT_MS },
    ...further,
  });

  beforeAll(async () => {
    if (opa.kind !== "found") return;
    folder = await mkdtemp(join(tmpdir(), "http-send-"));
    owned.defer(() => rm(folder, { recursive: true, force: true }));
    server = createServer(serve).listen(0, "127.0.0.1");
    await once(server, "listening");
    owned.defer(() => {
      server.closeAllConnections();
      server.close();
    });
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    await mkdir(join(folder, "policy"));
    await writeFile(join(folder, "policy/policy.rego"), compatPolicy(port));
    bundle = join(folder, "bundle.tar.gz");
    const args = ["build", "-t", "wasm", "-e", "envoy/authz/allow", "-o", bundle, "policy"];
    expect(await runCommand(opa.location, args, { timeoutMs: 60_000, cwd: folder })).toMatchObject({ kind: "done" });
    await makeBundle(join(folder, "native"), [nativePolicy(port), NO_APPROVAL], {});
    const path = "envoy/authz/allow";
    [compat, native] = await Promise.all([
      startLoneDecision({ folder, name: "compat", bundle, policy: { compat: { path }, network: network(port) } }),
      startLoneDecision({ folder, name: "native", bundle: join(folder, "native"), policy: { network: network(port) } }),
    ]);
    owned.use(compat);
    owned.use(native);
  });
  afterAll(() => owned.disposeAsync());

  /** `allow`, `deny` where nothing more is said, or status and reasons. */
  async function outcome({ port }: Decision, path: string): Promise<string> {
    await using owner = new AsyncDisposableStack();
    const client = new AuthorizationClient(`127.0.0.1:${port}`, credentials.createInsecure());
    owner.defer(() => client.close());
    const answer = await new Promise<CheckResponse>((resolve, reject) => {
      const options = { deadline: Date.now() + 30_000 };
      client.check(checkOf(path, []), new Metadata(), options, (error, response) =>
        error === null ? resolve(response) : reject(error),
      );
    });
    if (answer.status?.code === 0) return "allow";
    if (answer.httpResponse?.$case !== "deniedResponse") return "deny"; // as the plugin tells a plain no
    const { status, body } = answer.httpResponse.value;
    return `${status?.code} ${JSON.parse(body).reasons}`;
  }

  test("is refused when the service starts where nobody may be asked, by the name of the setting", async () => {
    const compatSection = { compat: { path: "envoy/authz/allow" } };
    const refused = startLoneDecision({ folder, name: "off", bundle, policy: compatSection });
    await expect(refused).rejects.toThrow(/http\.send.*policy\.network\.hosts \(COUNTERSIGN_POLICY_NETWORK_HOSTS\)/s);
  });

  test("decides by the answer, in either mode", async () => {
    expect(await outcome(compat, "/users/dana")).toBe("allow");
    expect(await outcome(compat, "/users/mallory")).toBe("deny");
    expect(await outcome(native, "/users/dana")).toBe("allow");
    expect(await outcome(native, "/users/mallory")).toBe("403 no_rule_matched");
  });

  test("is denied when the server does not answer in time, and all others are answered meanwhile", async () => {
    let ended = 0;
    const begun = performance.now();
    const slow = Array.from({ length: 40 }, () => outcome(compat, "/slow").finally(() => void (ended += 1)));
    const before = await metric(compat, 'policy_asks_total{outcome="unanswered"}');
    for (let count = 0; count < 20; count += 1) expect(await outcome(compat, "/plain")).toBe("allow");
    const endedMeanwhile = performance.now() - begun < TIMEOUT_MS ? ended : 0;
    expect(endedMeanwhile).toBe(0);
    expect(new Set(await Promise.all(slow))).toEqual(new Set(["503 policy_ask_unanswered"]));
    expect(performance.now() - begun).toBeGreaterThanOrEqual(TIMEOUT_MS);
    expect(await metric(compat, 'policy_asks_total{outcome="unanswered"}')).toBeGreaterThan(before);
  });

  test("is denied when the answer is larger than answers may be", async () => {
    expect(await outcome(compat, "/large")).toBe("503 policy_ask_unanswered");
    expect(await outcome(native, "/large")).toBe("503 policy_ask_unanswered");
  });

  test("is told an error when a redirect leads to who may not be asked: undefined as in OPA, a denial of its own natively", async () => {
    expect(await outcome(compat, "/away")).toBe("deny");
    expect(await outcome(native, "/away")).toBe("503 policy_error");
  });

  test("leaves on record whom it asked and how that went, and nothing of what it asked", async () => {
    await outcome(compat, "/users/dana");
    const texts = async () => {
      const spool = join(folder, "compat-log");
      const names = (await readdir(spool)).filter((name) => name.endsWith(".log"));
      return (await Promise.all(names.map((name) => readFile(join(spool, name), "latin1")))).join("");
    };
    await waitUntil("the decision to be on record", 30_000, async () => (await texts()).includes('"policy_asked"'));
    const record = await texts();
    expect(record).toMatch(/"policy_asked":\[\{"duration_us":\d+,"host":"127\.0\.0\.1:\d+","outcome":"answered"\}\]/);
    expect(record).not.toContain(SECRET);
  });

  async function metric({ opsUrl }: Decision, name: string): Promise<number> {
    const line = await metricLine(opsUrl, `countersign_decision_${name} `);
    return Number(line?.split(" ").at(-1) ?? 0);
  }
});
