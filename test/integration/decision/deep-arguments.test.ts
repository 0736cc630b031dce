/**
 * A body as deep as it may be is one level deeper as an argument of a built-in, and as a part of a result. Whoever sent it must
 * not have opened a door with it: an explicit denial in either mode, and no fault that `on_error: grpc_error` may hand on.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { DEFAULT_BUDGET } from "../../../core/policy/budget.ts";
import { BUILTINS } from "../../../core/policy/builtins/registry.ts";
import { loadBundle, readBundleFiles } from "../../../core/policy/bundle.ts";
import { BUNDLE_LIMITS } from "../../../core/policy/bundles/bundle-files.ts";
import { type CompatPolicy, loadCompatPolicy } from "../../../core/policy/compat-policy.ts";
import { jsonBody } from "../../../core/policy/envoy-input/parsed-body.ts";
import { createPolicyHost, type PolicyHost } from "../../../core/policy/policy-host.ts";
import { hasOpa, makeBundle, NO_APPROVAL } from "../../harness/made-bundle.ts";

const TIME = { nowNs: 1_795_514_400_000_000_000n };
const deps = { builtins: BUILTINS, randomBytes, monotonicMs: () => performance.now() };
/** Reading costs more than is usual. */
const budget = { ...DEFAULT_BUDGET, timeMs: 500 };
const NATIVE = `package countersign

decision := {"outcome": "allow", "reasons": ["fine"], "elevations": [], "responses": [], "context_missing": [], "malformed": []} if not deny

deny if sprintf("%v", [input.parsed_body]) == "x"
`;
const COMPAT = `package countersign

decision := true if { input.case == "argument"; sprintf("%v", [input.parsed_body]) != "x" }
decision := {"allowed": true, "dynamic_metadata": {"body": input.parsed_body}} if input.case == "result"
`;

const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;
const inputOf = (depth: number, name: string) => `{"case": "${name}", "parsed_body": ${nested(depth)}}`;
const DEEPEST_BODY = 2_000;

((await hasOpa()) ? describe : describe.skip)("a body of as many levels as there may be", () => {
  let folder: string;
  let native: PolicyHost;
  let compat: CompatPolicy;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "deep-"));
    const [nativeFolder, compatFolder] = [path.join(folder, "native"), path.join(folder, "compat")];
    await makeBundle(nativeFolder, [NATIVE, NO_APPROVAL], {});
    await makeBundle(compatFolder, [COMPAT, NO_APPROVAL], {});
    native = createPolicyHost(deps, { defaultRealm: "corp", warmUps: 0, budget });
    expect(await native.activate(await loadBundle(nativeFolder, BUNDLE_LIMITS))).toMatchObject({ kind: "activated" });
    const files = await readBundleFiles(compatFolder);
    compat = await loadCompatPolicy(deps, { files, path: "countersign/decision", budget });
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("is read, one of more is not", () => {
    expect(jsonBody(nested(DEEPEST_BODY)).kind).toBe("parsed");
    expect(jsonBody(nested(DEEPEST_BODY + 1))).toEqual({ kind: "fault", message: "exceeded max depth" });
  });

  test("is denied natively where a built-in is given a list of it", () => {
    expect(native.decide(inputOf(DEEPEST_BODY, ""), TIME).verdict).toMatchObject({
      kind: "fault",
      reason: "policy_budget_exceeded",
    });
    expect(native.decide(inputOf(DEEPEST_BODY - 1, ""), TIME).verdict).toMatchObject({ kind: "allow" });
  });

  test.each([
    ["a built-in is given a list of it", "argument", 1],
    ["it is a part of the result", "result", 4],
  ])("is an explicit denial in compatibility mode where %s", (_, name, levels) => {
    expect(compat.evaluate(inputOf(DEEPEST_BODY, name), TIME).result).toMatchObject({
      kind: "fault",
      reason: "policy_budget_exceeded",
      echoes: true,
    });
    const fitting = compat.evaluate(inputOf(DEEPEST_BODY - levels, name), TIME).result;
    expect(fitting).not.toMatchObject({ reason: "policy_budget_exceeded" });
  });
});
