/**
 * Built-ins that would reach out of a decision, or into the process: a bundle that imports one is refused when it is
 * activated, in either mode, with its name, why, and what to do, unless configuration says otherwise. Modules of the real compiler.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import pino from "pino";
import { DEFAULT_BUDGET } from "../../../core/policy/budget.ts";
import { BUILTINS } from "../../../core/policy/builtins/registry.ts";
import { withEnvironment } from "../../../core/policy/builtins/runtime.ts";
import { loadBundle } from "../../../core/policy/bundle.ts";
import { loadCompatPolicy } from "../../../core/policy/compat-policy.ts";
import { createPolicyHost } from "../../../core/policy/policy-host.ts";
import { startPolicy } from "../../../core/policy/start-policy.ts";
import { systemClock } from "../../../platform/clock.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { hasOpa, makeBundle, NO_APPROVAL } from "../../harness/made-bundle.ts";

const deps = { builtins: BUILTINS, randomBytes, monotonicMs: () => performance.now() };
const ASKS =
  "a policy asks nobody of the network unless policy.network.hosts (COUNTERSIGN_POLICY_NETWORK_HOSTS) names whom it may ask: set it";
const NETWORK = `http.send (${ASKS}, or bring what it would fetch as data of the bundle)`;
const NAMES = `net.lookup_ip_addr (${ASKS}, or keep addresses in data of the bundle)`;
const ALLOW =
  '{"outcome": "allow", "reasons": ["eu"], "elevations": [], "responses": [], "malformed": [], "context_missing": []}';
const REGION = new Map([["REGION", "eu"]]);
const PROCESS =
  "opa.runtime (a policy does not see the environment of the process: put what it needs into data of the bundle, or name the variables that it may see in policy.environment (COUNTERSIGN_POLICY_ENVIRONMENT))";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "refused-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

((await hasOpa()) ? describe : describe.skip)("a policy that calls it is refused", () => {
  test.each([
    ["http.send", 'http.send({"method": "GET", "url": "https://example.com"}).status_code == 200', NETWORK],
    ["net.lookup_ip_addr", 'net.lookup_ip_addr("example.com")["10.0.0.1"]', NAMES],
    ["opa.runtime", 'opa.runtime().env.HOME == "/"', PROCESS],
    [
      "all of them at once",
      'http.send({"method": "GET", "url": opa.runtime().env.HOME}).status_code == 200\n\tnet.lookup_ip_addr("a")[_]',
      `${NETWORK}, ${NAMES}, ${PROCESS}`,
    ],
  ])("%s", async (name, condition, why) => {
    const made = join(folder, name);
    const policy = `package countersign\n\ndecision := {} if {\n\t${condition}\n}\n`;
    await makeBundle(made, [policy, NO_APPROVAL], {}, { allBuiltins: true });
    const host = createPolicyHost(deps, { defaultRealm: "corp" });
    expect(await host.activate(await loadBundle(made))).toEqual({
      ...{ kind: "refused", reason: "missing_builtin" },
      detail: `not served here: ${why}`,
    });
    expect(host.revision()).toBeUndefined();
    const files = new Map([["policy.wasm", await readFile(join(made, "policy.wasm"))]]);
    await expect(loadCompatPolicy(deps, { files, path: "countersign/decision" })).rejects.toMatchObject({
      code: "invalid_bundle",
      detail: `built-ins not served here: ${why}`,
    });
  });

  test("opa.runtime shows a compatibility policy the variables that are named, and none where none is", async () => {
    const made = join(folder, "runtime");
    const policy = `package countersign\n\ndecision := {"allowed": true, "headers": {"x": json.marshal(opa.runtime())}}\n`;
    await makeBundle(made, [policy, NO_APPROVAL], {});
    const files = new Map([["policy.wasm", await readFile(join(made, "policy.wasm"))]]);
    const load = (environment: ReadonlyMap<string, string>) =>
      loadCompatPolicy(
        { ...deps, builtins: withEnvironment(BUILTINS, environment) },
        { files, path: "countersign/decision" },
      );
    await expect(load(new Map())).rejects.toMatchObject({ detail: `built-ins not served here: ${PROCESS}` });
    const { result } = (await load(REGION)).evaluate("{}", { nowNs: 1n });
    expect(result).toMatchObject({ kind: "allow", fields: { headers: [["x", '{"env":{"REGION":"eu"}}']] } });
  });

  test("opa.runtime shows a native policy the same, in either service, and its bundle is refused where none is named", async () => {
    const made = join(folder, "native-runtime");
    const seen = 'json.marshal(opa.runtime()) == `{"env":{"REGION":"eu"}}`';
    const decision = `package countersign\n\ndecision := ${ALLOW} if ${seen}\n`;
    const approval = `package countersign.approval\n\nroute := {}\n\nmay_review := {"allowed": true, "reasons": []} if ${seen}\n`;
    await makeBundle(made, [decision, approval], {});
    await using none = await started(made, new Map()).catch((error: unknown) => ({
      said: String(error),
      async [Symbol.asyncDispose]() {},
    }));
    expect("said" in none ? none.said : "").toContain(`missing_builtin: not served here: ${PROCESS}`);
    await using policy = await started(made, REGION);
    expect(policy.host.decide("{}", { nowNs: 1n }).verdict).toMatchObject({ kind: "allow", reasons: ["eu"] });
    expect(policy.host.mayReview("{}", { nowNs: 1n })).toMatchObject({ kind: "allowed" });
  });
});

function started(path: string, environment: ReadonlyMap<string, string>) {
  const times = { pollSeconds: 3_600, waitSeconds: 0 };
  const bundle = { path, unsigned: "accepted", scope: "", trustedKeys: {}, ...times } as const;
  return startPolicy(
    {
      clock: systemClock,
      signal: new AbortController().signal,
      log: pino({ level: "silent" }),
      metrics: createMetrics({ prefix: "x_" }),
    },
    { bundle, environment, defaultRealm: "corp", budget: DEFAULT_BUDGET },
  );
}
