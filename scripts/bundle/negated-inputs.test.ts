/**
 * The check against OPA itself: each condition is evaluated with an input that has nothing which may be absent, and the
 * check must name exactly those that do not hold although what they negate does not either.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, test } from "@jest/globals";
import { parsedRego } from "../../test/harness/parsed-rego.ts";
import { LOOKING_UP } from "../../test/harness/policy-with-not.ts";
import { resolveTool } from "../tools/resolve-tool.ts";
import { runCommand } from "../tools/run-command.ts";
import { list } from "./ast.ts";
import { checkPolicies } from "./check-policies.ts";
import { negatedInputs } from "./negated-inputs.ts";
import { placedRules, rulesIn } from "./places.ts";

const CONDITIONS = [
  'not input.context.country in {"AT"}',
  'not "AT" in input.context.country',
  "not input.context.country",
  'not input.context.country == "AT"',
  'not input.context.country != "AT"',
  "not input.parsed_body.amount < 5",
  "not input.parsed_body.amount = 5",
  "not input.parsed_body.amount == input.parsed_query.amount",
  "not [input.context.country] == [1]",
  'not {"country": input.context.country} == {}',
  "not input.parsed_query[input.context.country] == 1",
  "not input.parsed_query[input.context.country]",
  "not _known[input.context.country]",
  'not startswith(input.parsed_path[0], "a")',
  'not lower(input.context.country) == "at"',
  "not _is_one(input.parsed_body.amount)",
  'not "x" in _country',
  '_country != "AT"',
  'not _country == "AT"',
  "not _country_trusted",
  "not count([x | some x in input.context.device]) > 0",
  "not [x | x := input.context.device] == [1]",
  'not "x" in _known',
  'not "x" in _incidents',
  'not object.get(input.context, "country", "none") in {"AT"}',
  'not input.action.name == "GET"',
  'not input.action.name in {"GET"}',
  'not "admins" in input.subject.properties.groups',
  'not c.country in {"AT"}',
  'not c.country == "AT"',
  "not c.country",
  'not c.time in {"x"}',
  'not device.owner in {"a"}',
  'x := input.context.country; not x in {"AT"}',
  'x := input.context.country; not x == "AT"',
  "x := input.context.device; not x.managed == false",
  "x := input.context.device; not x.managed",
  "x := input.context.device; y := x.owner; not y",
  'x := lower(input.context.country); not x == "at"',
  'x = input.context.country; not x in {"AT"}',
  'input.context.country = x; not x in {"AT"}',
  '[x, _] := [input.context.country, 1]; not x in {"AT"}',
  'x := input.context; not x.country in {"AT"}',
  'x := input.context; not x.country == "AT"',
  'x := c; not x.country in {"AT"}',
  'x := _country; not x in {"AT"}',
  'x := input.action.name; not x in {"GET"}',
  'x := {y | y := input.context.country}; not "AT" in x',
  "x := input.context.country; not _known[x]",
  "not _known[_country]",
  "not _profile.observations < 5",
  "not _limits.low < 5",
  'not lib.country in {"AT"}',
  'not data.acme.lib.country in {"AT"}',
  'not lib.country == "AT"',
  'not lower(lib.country) == "at"',
  'not lib.method in {"GET"}',
  'not lib.settled in {"AT"}',
  "not lib.is_at",
  'not lib.country_of(1) in {"AT"}',
  'not lib.country_of(1) == "AT"',
  "not lib.is_country(1)",
  'not lib.method_of(1) == "GET"',
  "not _is_one(lib.country)",
  'not lib.either in {"AT"}',
  "_is_foreign(input.context.country)",
  "_passes_on(1, c.country)",
  "x := input.context.country; _is_foreign(x)",
  "_is_foreign_code(input.context.country)",
  "_is_foreign_code(input.action.name)",
  "_is_foreign_part([input.context.country])",
  "_is_at_noting_it(input.context.country)",
  "_is_foreign(input.action.name)",
  "_is_one(input.context.country)",
  "_passes_on(input.parsed_body.amount, input.action.name)",
  "_is_foreign_in(input.context)",
  "_is_foreign_in(c)",
  "x := c; _is_foreign_in(x)",
  "_is_foreign_in_all(input)",
  "_passes_on_all(1, input)",
  "_is_strange_in(input.action)",
  "lib.is_foreign_in(input.context)",
  'not _country_in(input.context) in {"AT"}',
  'not _name_in(input.action) in {"GET"}',
  "not _is_foreign_in(input.context)",
  "not _is_at_in(input.context)",
  "_is_foreign_in(_context)",
  'not _context.country in {"AT"}',
  'not _context.country == "AT"',
  'not _context.time in {"x"}',
  'not lib.context.country in {"AT"}',
];
const MODULE = `package countersign.policies.x

import data.acme.lib
import input.context as c
import input.context.device

_known := {"a"}

_limits := {"low": 7}

_profile := input.context.profile

_country := input.context.country

_country_trusted if input.context.country in _known

_incidents := object.get(input.context, "incidents", [])

_is_one(x) if x == 1

_is_foreign(x) if not x in {"AT"}

_is_foreign_code(x) if {
	code := upper(x)
	[first, _] := [code, 1]
	not first in {"AT"}
}

_is_foreign_part(x) if {
	x = [code]
	not code in {"AT"}
}

_is_at_noting_it(x) if {
	code := upper(x)
	code != "AT"
	not input.action.name == "PUT"
}

_context := input.context

_is_foreign_in(ctx) if not ctx.country in {"AT"}

_is_foreign_in_all(all) if {
	country := upper(all.context.country)
	not country in {"AT"}
}

_passes_on_all(_, all) if _is_foreign_in(all.context)

_is_strange_in(action) if not action.name in {"GET"}

_is_at_in(ctx) if ctx.country in {"AT"}

_country_in(ctx) := ctx.country

_name_in(action) := action.name

_passes_on(y, x) if {
	y == y
	_is_foreign(x)
}

${CONDITIONS.map((condition, at) => `deny contains "${at}" if {\n\t${condition.replaceAll("; ", "\n\t")}\n}`).join("\n\n")}
`;
/** What the schema requires of the parts that are read above, and nothing else. */
const INPUT = {
  ...{ action: { name: "POST" }, subject: { properties: { groups: [] } } },
  ...{ context: { time: "2026-11-24T10:00:00Z" }, parsed_path: [], parsed_query: {}, parsed_body: null },
};
/** Does not negate: that it does not hold is what it says. */
const NO_NEGATION = [
  '_country != "AT"',
  "_is_one(input.context.country)",
  "_is_at_noting_it(input.context.country)",
  "_passes_on(input.parsed_body.amount, input.action.name)",
];
const opa = await resolveTool("opa");

(opa.kind === "found" ? describe : describe.skip)("`not` before what may be absent", () => {
  test("is named exactly where OPA lets the rule end before it", async () => {
    if (opa.kind === "missing") throw new Error(opa.reason);
    const folder = await mkdtemp(path.join(tmpdir(), "negated-"));
    const [module, library, input] = ["x.rego", "lib.rego", "input.json"].map((name) => path.join(folder, name));
    if (module === undefined || library === undefined || input === undefined) throw new Error("three were named");
    await writeFile(module, MODULE);
    await writeFile(library, LOOKING_UP);
    await writeFile(input, JSON.stringify(INPUT));
    const run = async (...args: readonly string[]): Promise<unknown> => {
      const result = await runCommand(opa.location, args, { timeoutMs: 60_000 });
      if (result.kind === "failed") throw new Error(result.message);
      return JSON.parse(result.output);
    };
    const sources = ["--data", module, "--data", library, "--input", input];
    const held = list(
      list(await run("eval", "--format", "values", ...sources, "data.countersign.policies.x.deny"))[0],
    ).map((at) => CONDITIONS[Number(at)]);
    await rm(folder, { recursive: true });
    const rules = placedRules(await parsedRego(LOOKING_UP, MODULE));
    const named = rules.slice(-CONDITIONS.length).map((rule) => negatedInputs(rule, rulesIn(rules)).length > 0);
    expect(CONDITIONS.filter((_, at) => named[at] === true)).toEqual(
      CONDITIONS.filter((condition) => !held.includes(condition) && !NO_NEGATION.includes(condition)),
    );
  });

  test("names the input whatever an import or a variable calls it, and is waived by that name", async () => {
    const of = (rule: string, said = "") =>
      `${said}package countersign.policies.x\n\nimport input.context as c\n\ndeny contains "x" if {\n\t${rule}\n}\n`;
    const waiver = (name: string) => `# METADATA\n# scope: package\n# custom:\n#   negated_inputs: [${name}]\n`;
    for (const [rule, call, name] of [
      ['not c.country in {"AT"}', "in", "input.context.country"],
      ["d := c.device\n\tnot d.managed == false", "==", "input.context.device"],
      ["d := c.device\n\tnot d.managed", "d", "input.context.device"],
      ['d := c.device\n\tnot d.owner in {"a"}', "in", "input.context.device.owner"],
    ] as const) {
      expect(checkPolicies(await parsedRego(of(rule))).faults).toEqual([
        expect.stringContaining(`0.rego: deny has \`not\` before ${call} of ${name}, which may be absent`),
      ]);
      expect(checkPolicies(await parsedRego(of(rule, waiver(name)))).faults).toEqual([]);
    }
  });
});
