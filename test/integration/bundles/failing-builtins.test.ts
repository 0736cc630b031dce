/**
 * A deny rule in which a call fails does not open its door. Built as an author builds it, with the real OPA, and asked through the
 * real host: where OPA by itself leaves the rule undefined, and an allow beside it would stand, the evaluation is denied, or the
 * bundle is not built.
 */
import { randomBytes } from "node:crypto";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { BUILTINS } from "../../../core/policy/builtins/registry.ts";
import { loadBundle } from "../../../core/policy/bundle.ts";
import { UNSEEN, WATCHED } from "../../../core/policy/native-builtins.ts";
import { createPolicyHost, type PolicyHost } from "../../../core/policy/policy-host.ts";
import { hasOpa } from "../../harness/made-bundle.ts";
import { runService } from "../../harness/run-service.ts";

const REGO = join(import.meta.dirname, "../../../rego");
/** Only in old Rego. */
const OLD = new Set(["all", "any", "set_diff", "re_match", "net.cidr_overlap"]);
const ONE =
  "abs array.flatten array.reverse base64.encode base64url.encode bits.negate ceil count floor intersection lower max min".split(
    " ",
  );
const ONE_MORE =
  "object.keys object.union_n product round sort strings.reverse sum trim_space union upper to_number json.unmarshal base64.decode base64url.decode".split(
    " ",
  );
const THREE = "array.slice glob.match object.get regex.find_all_string_submatch_n replace substring".split(" ");

function callOf(name: string): string {
  const operands = [...ONE, ...ONE_MORE].includes(name) ? 1 : THREE.includes(name) ? 3 : 2;
  return `${name}(${Array.from({ length: operands }, (_, at) => `input.parsed_body[${at}]`).join(", ")})`;
}

/** Everybody may, but for what is denied of one path. Waived: that `not_blocked` below allows where no address is known. */
const packageOf = (denials: string) => `# METADATA
# schemas:
#   - input: schema.input
# custom:
#   negated_inputs: [input.context.source_address]
# scope: package
package countersign.policies.doors

import data.countersign.lib.net as network

allow contains "open" if input.parsed_path[0] == "doors"

${denials}`;
const denialOf = (name: string) =>
  `deny contains "shut" if {\n\tinput.parsed_path == ["doors", "${name}"]\n\t_ = ${callOf(name)}\n}\n`;
const SHOWN = `deny contains "many" if count(input.parsed_body.items) > 10

deny contains "no_dry_run" if {
	input.parsed_path == ["doors", "try"]
	object.get(input.parsed_body, "dry_run", false) == false
}

deny contains "blocked_address" if {
	input.parsed_path == ["doors", "address"]
	net.cidr_contains_matches(input.parsed_body.blocked, input.parsed_body.ip) != set()
}

allow contains "not_blocked" if {
	input.parsed_path == ["doors", "blocked"]
	not network.from_any(input.parsed_body.blocked)
}
`;

((await hasOpa()) ? describe : describe.skip)("a deny rule in which a call fails", () => {
  let folder: string;
  let source: string;
  let out: string;
  const build = async (denials: string) => {
    await writeFile(join(source, "policies/doors.rego"), packageOf(denials));
    return runService("scripts/build-bundle.ts", ["--source", source, "--out", out]);
  };
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "failing-builtins-"));
    [source, out] = [join(folder, "source"), join(folder, "out")];
    await mkdir(join(source, "policies"), { recursive: true });
    for (const part of ["decision.rego", "approval", "lib"]) {
      await cp(join(REGO, "countersign", part), join(source, part), { recursive: true });
    }
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("is not built where nobody would see it, and each call is told with what to write", async () => {
    const names = [...UNSEEN].filter((name) => !OLD.has(name));
    const { code, err } = await build(names.map(denialOf).join("\n"));
    expect(code).toBe(1);
    for (const name of names) expect(err).toContain(`deny calls ${name}, which can fail unseen`);
    expect(err).toContain("call net.cidr_contains_matches, where a failure denies");
  });

  describe.each([
    ["at a start", false],
    ["swapped in beside another one", true],
  ])("of a bundle that is activated %s", (_, isSwapped) => {
    let host: PolicyHost;
    const names = [...WATCHED].filter((name) => !OLD.has(name));
    beforeAll(async () => {
      expect(await build([SHOWN, ...names.map(denialOf)].join("\n"))).toMatchObject({ code: 0 });
      const deps = { builtins: BUILTINS, randomBytes, monotonicMs: () => performance.now() };
      host = createPolicyHost(deps, { defaultRealm: "corp", warmUps: 1 });
      if (isSwapped) await host.activate(await loadBundle(join(REGO, "bundle")));
      expect(await host.activate(await loadBundle(out))).toMatchObject({ kind: "activated", compiled: true });
    });
    const ask = (path: string, body: unknown) => {
      const input = {
        action: { name: "POST" },
        parsed_path: ["doors", path],
        parsed_body: body,
        context: { source_address: "10.1.2.3" },
      };
      return host.decide(JSON.stringify(input), { nowNs: 0n }).verdict;
    };

    test.each(names)("%s: it denies, and says which call of which rule", (name) => {
      const detail = expect.stringMatching(
        /^\S+ in countersign\.policies\.doors\.deny: (it has no answer for null|operand \d must be)\b/,
      );
      const verdict = ask(name, [null, null, null]);
      expect(verdict).toEqual({ kind: "fault", reason: "policy_error", detail });
      expect(verdict).toMatchObject({ detail: expect.stringContaining(`${name} in `) });
    });

    test.each([
      ["a number in place of a list", "x", { items: 5 }, "count"],
      ["no body where one is looked into", "try", null, "object.get"],
    ])("%s denies", (_name, path, body, builtin) => {
      const detail = expect.stringContaining(`${builtin} in countersign.policies.doors.deny`);
      expect(ask(path, body)).toMatchObject({ kind: "fault", reason: "policy_error", detail });
    });

    test("a network that is none denies, where the library is asked whether it lies in none of them", () => {
      const detail = expect.stringContaining("net.cidr_contains_matches in countersign.lib.net.from_any");
      const denied = { kind: "fault", reason: "policy_error", detail };
      for (const blocked of [["10.1.0.0/33"], ["192.168.0.0/16", "10.1.2"], [5], null, 8])
        expect(ask("blocked", { blocked })).toMatchObject(denied);
      expect(ask("blocked", { blocked: ["192.168.0.0/16"] })).toMatchObject({
        kind: "allow",
        reasons: expect.arrayContaining(["not_blocked"]),
      });
      expect(ask("blocked", { blocked: ["10.1.0.0/16"] })).toMatchObject({ kind: "allow", reasons: ["open"] });
    });

    test("what is no address and no list of networks denies, where a denial asks whether one lies in the other", () => {
      const detail = expect.stringContaining("net.cidr_contains_matches in countersign.policies.doors.deny");
      const [blocked, ip] = [["10.0.0.0/8"], "11.1.2.3"];
      const bodies = [
        ...[5, true, null].flatMap((odd) => [
          { blocked, ip: odd },
          { blocked: odd, ip },
        ]),
        { blocked: [5], ip: [] },
      ];
      for (const body of bodies)
        expect(ask("address", body)).toMatchObject({ kind: "fault", reason: "policy_error", detail });
      expect(ask("address", { blocked, ip: "10.1.2.3" })).toMatchObject({ kind: "deny" });
      expect(ask("address", { blocked, ip })).toMatchObject({ kind: "allow" });
    });

    test.each([
      ["what the rule forbids is denied by it", "x", { items: Array(11).fill(0) }, { kind: "deny" }],
      ["what it does not is allowed", "x", { items: [] }, { kind: "allow" }],
      ["a body that says it", "try", { dry_run: true }, { kind: "allow" }],
      ["of nothing there is no greatest, and nothing is wrong", "max", [[]], { kind: "allow" }],
    ])("%s", (_name, path, body, want) => {
      expect(ask(path, body)).toMatchObject(want);
    });
  });
});
