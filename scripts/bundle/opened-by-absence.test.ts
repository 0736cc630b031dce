/**
 * The check against OPA itself: each condition is evaluated with inputs that have nothing of the context which may be absent, and the check
 * must name those conditions of `allow` that hold then, and of `deny` those that do not because of a `not`.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, test } from "@jest/globals";
import { hasOpa } from "../../test/harness/made-bundle.ts";
import { parsedRego } from "../../test/harness/parsed-rego.ts";
import { LIBRARY, POLICY } from "../../test/harness/policy-with-not.ts";
import { field, list } from "./ast.ts";
import { findOpa } from "./author-opa.ts";
import { checkPolicies } from "./check-policies.ts";

/** Where it is named: by what of the context. */
const IN_ALLOW: readonly (readonly [string, string | undefined])[] = [
  ["not _blocked", "input.context.country"],
  ["not data.countersign.policies.wiki._blocked", "input.context.country"],
  ["not c.device.rooted", "input.context.device.rooted"],
  ['not c.country == "KP"', "input.context.country"],
  ['not input.context.profile.since == "x"', "input.context.profile"],
  ["d := c\n\tnot d.device.rooted == true", "input.context.device.rooted"],
  ["d := c.device\n\tnot d.rooted == true", "input.context.device.rooted"],
  ["not _is_blocked(1)", "input.context.country"],
  ["not lib.says_rooted", "input.context.device.rooted"],
  ["not lib.blocks(1)", "input.context.country"],
  ["not _with_default", "input.context.country"],
  ["not _closed_by_default", undefined],
  ['not "doors" in _frozen', "input.context.incidents"],
  ['not _frozen_set["doors"]', "input.context.incidents"],
  ['not "doors" in {i.scope | some i in input.context.incidents}', "input.context.incidents"],
  ['frozen := {i.scope | some i in input.context.incidents}\n\tnot "doors" in frozen', "input.context.incidents"],
  ["not _is_blocked_in(input.context)", "input.context.country"],
  ["not _is_blocked_in_all(input)", "input.context.country"],
  ["d := input.context\n\tnot _is_blocked_in(d)", "input.context.country"],
  ["not _is_blocked_in(c)", "input.context.country"],
  ["not _is_rooted(c.device)", "input.context.device.rooted"],
  ["not _hands_on(1, input)", "input.context.country"],
  ["not lib.blocks_in(input.context)", "input.context.country"],
  ['not "doors" in _frozen_in(input.context)', "input.context.incidents"],
  ["_is_trusted_in(input.context)", "input.context.country"],
  ["not _is_local_in(input.context)", undefined],
  ["not _ctx.device.rooted", "input.context.device.rooted"],
  ["not lib.all.context.device.rooted", "input.context.device.rooted"],
  ["not _is_blocked_in(_ctx)", "input.context.country"],
  ["not _is_blocked_in(lib.all.context)", "input.context.country"],
  ["not whole.device.rooted", "input.context.device.rooted"],
  ["not _blocked_by_ctx", "input.context.country"],
  ["_ctx.country\n\tnot _blocked_by_ctx", undefined],
  ["not _ctx.local.office_hours", undefined],
  ["c.country\n\tnot _is_blocked_in(input.context)", undefined],
  ["_is_known_in(input.context)\n\tnot _is_blocked_in(input.context)", undefined],
  ["not _is_blocked_known_in(input.context)", "input.context.country"],
  ["_is_trusted_known_in(input.context)", undefined],
  ["not _doors_frozen", "input.context.incidents"],
  ["input.context.incidents[_]\n\tnot _doors_frozen", undefined],
  ["not input.context[input.action.name]", "input.context[…]"],
  ["_trusted_by_not", "input.context.country"],
  ["_is_trusted_by_not(1)", "input.context.country"],
  ["not _not_trusted_by_not", undefined],
  ["not _closes", undefined],
  ["not _one_of_two", "input.context.country"],
  ["input.context.country\n\tnot _blocked", undefined],
  ["_country_known\n\tnot _blocked", undefined],
  ['input.context.country in {"AT"}\n\tnot _blocked', undefined],
  ['print("country", input.context.country)\n\tnot _blocked', "input.context.country"],
  ['text := $"from {input.context.country}"\n\ttext != ""\n\tnot _blocked', "input.context.country"],
  ['_country_known with input.context.country as "AT"\n\tnot _blocked', "input.context.country"],
  ['input.context.country with input.context.country as "AT"\n\tnot _blocked', "input.context.country"],
  ["print(input.context.country)\n\tinput.context.country\n\tnot _blocked", undefined],
  ["not _printing_admin", undefined],
  ['not input.context.country in {"KP"}', undefined],
  ["not _is_blocked_country(input.context.country)", undefined],
  ["input.context.country", undefined],
  ["not input.context.local.office_hours", undefined],
  ["not _admin", undefined],
  ["not input.parsed_query.debug", undefined],
  ["not input.subject.properties.claims.suspended == true", undefined],
];
const IN_DENY: readonly (readonly [string, string | undefined])[] = [
  ["not _blocked", undefined],
  ["not _trusted", undefined],
  ["not _trusted_by_not", "input.context.country"],
  ["_untrusted_by_not", "input.context.country"],
  ["not lib.unsaid", "input.context.device.rooted"],
  ["not _is_trusted_in(input.context)", "input.context.country"],
  ["not _is_blocked_in(input.context)", undefined],
  ["not _admin", undefined],
  ["_blocked", undefined],
];
const INPUT = {
  action: { name: "GET" },
  subject: { properties: { groups: [], claims: {} } },
  parsed_query: {},
};
const CONTEXT = { time: "2026-11-24T10:00:00Z", local: { office_hours: false }, state: { fresh: false } };
/** Nothing is known, and a device of which nothing is. */
const INPUTS = [CONTEXT, { ...CONTEXT, device: {} }].map((context) => ({ ...INPUT, context }));
/** Holds whatever is absent, and rightly: what it asks is not of the context, or is always there. */
const RIGHTLY = [
  "not _ctx.local.office_hours",
  "not _is_local_in(input.context)",
  "not input.context.local.office_hours",
  "not _admin",
  "not _printing_admin",
  "not input.parsed_query.debug",
  "not input.subject.properties.claims.suspended == true",
];
/** Does not hold, and not because of a \`not\`. */
const NO_NEGATION = ["_blocked"];

const policyOf = (set: string, conditions: readonly string[], said = "") =>
  said + POLICY + conditions.map((condition, at) => `\n${set} contains "${at}" if {\n\t${condition}\n}\n`).join("");

((await hasOpa()) ? describe : describe.skip)("`not` before what nobody knows", () => {
  async function held(set: string, conditions: readonly string[]): Promise<readonly string[]> {
    const folder = await mkdtemp(path.join(tmpdir(), "opened-"));
    await writeFile(path.join(folder, "wiki.rego"), policyOf(set, conditions));
    await writeFile(path.join(folder, "lib.rego"), LIBRARY);
    const opa = await findOpa(folder);
    const files = ["--data", "wiki.rego", "--data", "lib.rego", "--input", "input.json"];
    const found = new Set<string>();
    for (const input of INPUTS) {
      await writeFile(path.join(folder, "input.json"), JSON.stringify(input));
      const asked = ["--format", "values", ...files, `data.countersign.policies.wiki.${set}`];
      const [values = ""] = (await opa("eval", ...asked)).split(/(?<=^\])/m); // what is printed stands below
      const answer: unknown = JSON.parse(values);
      for (const at of list(list(answer)[0])) found.add(conditions[Number(at)] ?? "");
    }
    await rm(folder, { recursive: true });
    return conditions.filter((one) => found.has(one));
  }

  /** Of each condition alone. */
  async function told(
    set: string,
    conditions: readonly string[],
    said = "",
  ): Promise<readonly (readonly [string, readonly string[]])[]> {
    const [policy, ...others] = await parsedRego(policyOf(set, conditions, said), LIBRARY);
    const rules = list(field(policy?.ast, "rules"));
    const [named, asked] = [rules.slice(0, -conditions.length), rules.slice(-conditions.length)];
    return conditions.map((condition, at) => {
      const ast = { ...Object(policy?.ast), rules: [...named, asked[at]] };
      return [condition, checkPolicies([{ file: "wiki.rego", ast }, ...others]).faults] as const;
    });
  }

  async function toldOf(condition: string, said = ""): Promise<readonly string[]> {
    const [only] = await told("allow", [condition], said);
    return only?.[1] ?? [];
  }

  const expected = (of: typeof IN_ALLOW, effect: string) =>
    of.map(([condition, name]) => [
      condition,
      name === undefined
        ? []
        : [expect.stringContaining(`wiki.rego: ${effect} where ${name} is absent, because of \`not\` before `)],
    ]);

  test("is named in allow exactly where OPA lets the rule hold for that, and by what is absent", async () => {
    const conditions = IN_ALLOW.map(([condition]) => condition);
    expect((await held("allow", conditions)).filter((one) => !RIGHTLY.includes(one))).toEqual(
      IN_ALLOW.flatMap(([condition, name]) => (name === undefined ? [] : [condition])),
    );
    expect(await told("allow", conditions)).toEqual(expected(IN_ALLOW, "allow holds"));
  });

  test("is named in deny and elevate exactly where OPA lets the rule end for that", async () => {
    const conditions = IN_DENY.map(([condition]) => condition);
    const denied = await held("deny", conditions);
    expect(conditions.filter((one) => !denied.includes(one) && !NO_NEGATION.includes(one))).toEqual(
      IN_DENY.flatMap(([condition, name]) => (name === undefined ? [] : [condition])),
    );
    for (const set of ["deny", "elevate"]) {
      expect(await told(set, conditions)).toEqual(expected(IN_DENY, `${set} does not hold`));
    }
  });

  test("is not named where the bundle requires it, or it is waived by its name; what is below that is", async () => {
    const said = (custom: string) => `# METADATA\n# scope: package\n# custom:\n#   ${custom}\n`;
    for (const custom of ["requires: [country]", "negated_inputs: [input.context.country]"]) {
      expect(await toldOf("not _blocked", said(custom))).toEqual([]);
      expect(await toldOf("not c.device.rooted", said(custom))).toHaveLength(1);
    }
    expect(await toldOf("not c.device.rooted", said("requires: [device]"))).toHaveLength(1);
    expect(await toldOf("not _doors_frozen", said("requires: [device]"))).toHaveLength(1);
    expect(await toldOf("not _doors_frozen", said("requires: [incidents]"))).toEqual([]);
  });

  test("says what to write, and of what can be required that too", async () => {
    const [country = ""] = await toldOf("not _blocked");
    expect(country).toContain(
      "wiki.rego: allow holds where input.context.country is absent, because of `not` before _blocked. Test for what is trusted",
    );
    expect(country).toContain("custom: {requires: [country]}");
    expect(country).toContain("custom: {negated_inputs: [input.context.country]}");
    expect((await toldOf("not c.device.rooted"))[0]).not.toContain("requires");
  });
});
