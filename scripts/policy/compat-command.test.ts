/** `npm run policy` as whoever comes from opa-envoy-plugin types it: with a policy of theirs, built by the real OPA, and the plugin's input. */
import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { once } from "node:events";
import { hasOpa } from "../../test/harness/made-bundle.ts";
import { makeCompatBundle } from "../../test/harness/made-compat-bundle.ts";

const root = path.resolve(import.meta.dirname, "../..");
/** Each call is a process of its own. */
jest.setTimeout(60_000);

const POLICY = `package envoy.authz

default allow := false

allow if {
	input.attributes.request.http.method == "GET"
	is_staff
}

is_staff if input.attributes.request.http.headers["x-group"] in data.staff

result["allowed"] := allow

result["http_status"] := 402 if not allow

result["dynamic_metadata"] := {"group": input.attributes.request.http.headers["x-group"]}
`;

const POLICY_V0 = `package envoy.authz

import future.keywords.in

default allow = false

allow { is_staff }

is_staff { input.attributes.request.http.headers["x-group"] in data.staff }

result["allowed"] = allow { true }

result["http_status"] = 402 { not allow }
`;

const inputOf = (group: string) => ({
  attributes: {
    request: { time: { seconds: 1_795_514_400, nanos: 5 }, http: { method: "GET", headers: { "x-group": group } } },
  },
  ...{ parsed_path: ["orders"], parsed_query: {}, parsed_body: null, truncated_body: false },
});

async function policy(...args: readonly string[]) {
  const child = spawn(process.execPath, ["scripts/policy.ts", ...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { code: child.exitCode, out, err };
}

((await hasOpa()) ? describe : describe.skip)("of a policy of opa-envoy-plugin", () => {
  let folder: string;
  const at = (name: string) => path.join(folder, name);
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "compat-command-"));
    await mkdir(at("policy"));
    await writeFile(at("policy/policy.rego"), POLICY);
    const other = POLICY.replace("402", "401").replace('{"group"', '{"team"');
    const data = { staff: ["sales"] };
    await makeCompatBundle(at("before.tar.gz"), POLICY, { entrypoint: "envoy/authz/result", revision: "before", data });
    await makeCompatBundle(at("after.tar.gz"), other, { entrypoint: "envoy/authz/result", revision: "after", data });
    await writeFile(at("input.json"), JSON.stringify(inputOf("press")));
    await writeFile(at("inputs.ndjson"), ["sales", "press"].map((group) => JSON.stringify(inputOf(group))).join("\n"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const explainFrom = (source: string, ...args: readonly string[]) =>
    policy("explain", "--bundle", at("before.tar.gz"), "--source", at(source), "--input", at("input.json"), ...args);
  const explain = (...args: readonly string[]) => explainFrom("policy", ...args);

  test("explain tells what fired, the condition that kept a rule, what it rests on, and the fuel", async () => {
    const { code, out, err } = await explain();
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/^deny: 402\n {2}by bundle before, [1-9]\d* fuel\n/);
    expect(out).not.toContain("NOT what the source says");
    const [, fired = "", kept = ""] = out.split(/^Fired$|^Did not fire$/m);
    expect(fired).toContain("envoy.authz: default allow := false");
    expect(fired).toContain('envoy.authz: result["http_status"] := 402');
    expect(kept).toContain("envoy.authz: allow");
    expect(kept).toMatch(/kept by: is_staff {2}\S*policy.rego:7/);
    expect(kept).toContain('kept by: input.attributes.request.http.headers["x-group"] in data.staff');
    expect(kept).toContain('input.attributes.request.http.headers.x-group is "press"');
  });

  test("explain at a path that leads into the value, or nowhere", async () => {
    expect((await explain("--path", "envoy/authz/result/allowed")).out).toMatch(/^deny: 403\n/);
    const { code, err } = await explain("--path", "envoy/other");
    expect(code).toBe(2);
    expect(err).toContain("no entrypoint of the bundle lies on envoy/other; build it with -e envoy/other");
  });

  test("explain reads a source of Rego v0 as such", async () => {
    await mkdir(at("v0"));
    await writeFile(at("v0/policy.rego"), POLICY_V0);
    expect((await explainFrom("v0")).err).toContain("rego_parse_error");
    const { code, out } = await explainFrom("v0", "--v0-compatible");
    expect(code).toBe(0);
    expect(out).toMatch(/kept by: is_staff {2}\S*policy.rego:7/);
    expect(out).not.toContain("NOT what the source says");
  });

  test("explain asks the source at the moment of the input, as it asks the bundle", async () => {
    const clock = `package envoy.authz

result := {"allowed": false, "http_status": 402} if time.now_ns() == 1795514400000000005

result := {"allowed": false, "http_status": 401} if time.now_ns() != 1795514400000000005
`;
    await mkdir(at("clock"));
    await writeFile(at("clock/policy.rego"), clock);
    await makeCompatBundle(at("clock.tar.gz"), clock, {
      entrypoint: "envoy/authz/result",
      revision: "clock",
      data: {},
    });
    const { out } = await explainFrom("clock", "--bundle", at("clock.tar.gz"));
    expect(out).toMatch(/^deny: 402\n/);
    expect(out).not.toContain("NOT what the source says");
  });

  test("explain with a source that the bundle was not built from says so", async () => {
    const { out } = await explain("--bundle", at("after.tar.gz"));
    expect(out).toMatch(/^deny: 401\n/);
    expect(out).toContain("NOT what the source says: deny: 402");
  });

  test("what is for the other kind of policy is refused", async () => {
    expect((await explain("--package", "orders")).err).toContain("--package is for countersign.policies");
    const ours = await policy("explain", "--path", "envoy/authz/allow", "--input", at("input.json"));
    expect(ours).toMatchObject({ code: 2, err: expect.stringContaining("--path is for policies of opa-envoy-plugin") });
    const both = await policy("diff", "rego/bundle", "rego/bundle", at("inputs.ndjson"), "--path", "envoy/authz/allow");
    expect(both).toMatchObject({ code: 2, err: expect.stringContaining("both bundles are ours") });
  });

  test("diff tells what would be answered otherwise, by input, down to the metadata", async () => {
    const { code, out, err } = await policy("diff", at("before.tar.gz"), at("after.tar.gz"), at("inputs.ndjson"));
    expect({ code, err }).toEqual({ code: 1, err: "" });
    expect(out.split("\n").slice(2)).toEqual([
      ...["line 1", "  allow", '  metadata.group: "sales" → nothing', '  metadata.team: nothing → "sales"'],
      ...["line 2", "  deny: 402", "  status: 402 → 401"],
      ...['  metadata.group: "press" → nothing', '  metadata.team: nothing → "press"'],
      expect.stringMatching(/^2 inputs, 2 differ; most fuel \d+ → \d+$/),
      "",
    ]);
  });

  test("diff against packages of ours tells the outcomes; where the manifest names several entrypoints, it asks for the path", async () => {
    await makeCompatBundle(
      at("two.tar.gz"),
      'package a\n\nallow := object.get(input, "x", 1) == 1\n\nother := allow\n',
      {
        entrypoint: "a/allow",
      },
    );
    const unsaid = await policy("diff", at("two.tar.gz"), "rego/bundle", at("inputs.ndjson"));
    expect(unsaid).toMatchObject({ code: 2, err: expect.stringMatching(/say by --path .* names a\/allow, a\/other/) });
    const { code, out } = await policy(
      "diff",
      at("two.tar.gz"),
      "rego/bundle",
      at("inputs.ndjson"),
      "--path",
      "a/allow",
    );
    expect(code).toBe(1);
    expect(out).toMatch(/^line 1\n- allow\n\+ deny: no_rule_matched\n/m);
  });
});
