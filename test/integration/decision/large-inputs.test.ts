/**
 * What is large and nobody's fault is answered under the default budget: a body of 64 KB, a document in YAML, two thousand groups or networks, a path of
 * 8 KB. Policies of the real compiler through the real host; each has to leave half of the budget to the rest of a decision.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { allowanceOf, DEFAULT_BUDGET } from "../../../core/policy/budget.ts";
import { BUILTINS } from "../../../core/policy/builtins/registry.ts";
import { loadBundle } from "../../../core/policy/bundle.ts";
import { createPolicyHost, type PolicyHost } from "../../../core/policy/policy-host.ts";
import { hasOpa, makeBundle, NO_APPROVAL } from "../../harness/made-bundle.ts";

const MOST_OF_A_BUDGET = 0.5;
const many = <Item>(count: number, item: (at: number) => Item): readonly Item[] =>
  Array.from({ length: count }, (_, at) => item(at));

/** About 64 KB: what an order of 500 lines is. */
const ORDER = {
  order: 7,
  lines: many(500, (at) => ({
    article: `article ${at}, in grey and with a longer name`,
    sku: `A-${at}-${at * 7}-grey`,
    count: at % 9,
    price: at + 0.25,
    tags: ["new", "sale"],
  })),
};
const GROUPS = many(2_000, (at) => `/companies/emea/departments/team-${at}`);
const NETWORKS = many(2_000, (at) => `10.${at >> 8}.${at & 255}.0/24`);
const YAML = many(400, (at) => `- {name: item-${at}, count: ${at}}`).join("\n");
const LONG = `/files/${many(800, (at) => `folder-${at}`).join("/")}`.slice(0, 8_192);
const QUERY = many(500, (at) => `filter${at}=some%20value+${at}`).join("&");
const SCHEMA = JSON.stringify({
  properties: {
    lines: { items: { required: ["sku", "count"], properties: { sku: { type: "string", pattern: "^A-[0-9]+" } } } },
  },
});

type Case = readonly [what: string, condition: string, value: unknown];
const CASES: readonly Case[] = [
  [
    "a body of 64 KB, read and walked",
    "body := json.unmarshal(input.value); count([1 | walk(body, [_, 8])]) == 55",
    JSON.stringify(ORDER),
  ],
  ["a body of 64 KB that was read before, walked", "count([1 | walk(input.value, [_, 8])]) == 55", ORDER],
  [
    "a body of 64 KB, summed",
    "sum([cost | some line in input.value.lines; cost := line.price * line.count]) > 0",
    ORDER,
  ],
  ["a body of 64 KB, by a schema", `json.match_schema(input.value, ${SCHEMA})[0]`, ORDER],
  ["a body of 64 KB, written and hashed", "count(crypto.sha256(json.marshal(input.value))) == 64", ORDER],
  ["YAML of 400 items", "count(yaml.unmarshal(input.value)) == 400", YAML],
  [
    "2,000 groups, one looked for",
    'some group in input.value; group == "/companies/emea/departments/team-1999"',
    GROUPS,
  ],
  [
    "2,000 groups as a set beside another",
    'count({group | some group in input.value} & {"/companies/emea/departments/team-7", "x"}) == 1',
    GROUPS,
  ],
  [
    "2,000 groups, by prefix",
    'not strings.any_prefix_match(input.value, ["/companies/apac/", "/companies/amer/"])',
    GROUPS,
  ],
  [
    "2,000 groups, each by a pattern",
    'count([1 | some group in input.value; regex.match("^/companies/[a-z]+/departments/team-[0-9]+$", group)]) == 2000',
    GROUPS,
  ],
  ["2,000 groups, sorted", "sort(input.value)[1999] != input.value[1999]", GROUPS],
  ["2,000 groups as a set, in order", "[g | some g in {h | some h in input.value}][1999] != input.value[1999]", GROUPS],
  [
    "2,000 groups, put into a text each",
    'count([1 | some group in input.value; sprintf("%s: %d", [group, 1]) != ""]) == 2000',
    GROUPS,
  ],
  [
    "2,000 networks, and an address in none of them",
    'net.cidr_contains_matches(input.value, "192.168.1.1") == set()',
    NETWORKS,
  ],
  ["a path of 8 KB, by a pattern", 'regex.match("^/files/(?:[a-z]+-[0-9]+/?)+", input.value)', LONG],
  ["a path of 8 KB, all that matches", 'count(regex.find_n("folder-[0-9]+", input.value, -1)) > 700', LONG],
  ["a path of 8 KB, split", 'count(split(input.value, "/")) > 700', LONG],
  ["a query of 500 parameters", "count(urlquery.decode_object(input.value)) == 500", QUERY],
];

const POLICY = `package countersign

decision := {"outcome": "allow", "reasons": ["holds"], "elevations": [], "responses": [], "context_missing": [], "malformed": []} if holds
${CASES.map(([, condition], at) => `holds if { input.case == ${at}; ${condition} }`).join("\n")}
`;

((await hasOpa()) ? describe : describe.skip)("under the default budget", () => {
  let folder: string;
  let host: PolicyHost;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "large-inputs-"));
    await makeBundle(folder, [POLICY, NO_APPROVAL], {});
    const deps = { builtins: BUILTINS, randomBytes, monotonicMs: () => performance.now() };
    host = createPolicyHost(deps, { defaultRealm: "corp", budget: DEFAULT_BUDGET, warmUps: 0 });
    expect(await host.activate(await loadBundle(folder))).toMatchObject({ kind: "activated" });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test.each(CASES.map(([what, , value], at) => [what, at, value] as const))("%s", (_, at, value) => {
    const { verdict, fuelUsed } = host.decide(JSON.stringify({ case: at, value }), { nowNs: 0n });
    expect(verdict).toMatchObject({ kind: "allow", reasons: ["holds"] });
    expect(fuelUsed / allowanceOf(DEFAULT_BUDGET).fuel).toBeLessThan(MOST_OF_A_BUDGET);
  });
});
