/**
 * What a built-in is paid has to grow as its work does, or somebody who makes an input larger is charged less and less for each
 * millisecond. Each kind that reads text or collections runs at a size and at four times that size; its processor time may not grow
 * more than twice as much as the fuel that it takes. How much a unit is worth is what `npm run bench -- policy` looks at.
 */
import { describe, expect, test } from "@jest/globals";
import { derCertificate } from "../../../test/harness/der-certificate.ts";
import { DEFAULT_BUDGET, FUEL_PER_MS } from "../budget.ts";
import { builtinNamed, growthOf } from "../../../test/harness/growth.ts";

/** A generous margin over "as much": what is square where it is paid as linear grows by four times as much. */
const MARGIN = 2;

const list = (count: number, item: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => item(at)).join(",");
const text = (value: string): string => JSON.stringify(value);
const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
/** A set, and one of half of its members, in no order. */
const setAndHalf = (size: number, item: (at: number) => string): string => {
  const shuffled = (at: number): string => item((at * 7_919) % size);
  return `{${list(size, shuffled)}}, {${list(size >> 1, shuffled)}}`;
};
const operations = (count: number, operation: (at: number) => string): string => `[${list(count, operation)}]`;

type Row = readonly [what: string, name: string, argsOf: (size: number) => string, size: number];

const OBJECTS: readonly Row[] = [
  [
    "a run of numbers written otherwise",
    "object.subset",
    (n) => `[${list(n, () => "1.0")}], [${list(n >> 1, () => "1.00")}, 2]`,
    450,
  ],
  [
    "a run of long texts",
    "object.subset",
    (n) => `[${list(n, () => text("a".repeat(500)))}], [${list(n >> 1, () => text("a".repeat(500)))}, 2]`,
    200,
  ],
  ["objects in objects", "object.subset", (n) => `${nested(n)}, ${nested(n)}`, 100],
  ["sets of integers", "object.subset", (n) => setAndHalf(n, String), 1_000],
  ["sets of decimals", "object.subset", (n) => setAndHalf(n, (at) => `${at}.25`), 1_000],
  ["sets of numbers of 17 digits", "object.subset", (n) => setAndHalf(n, (at) => `${10 ** 16 + at * 2}`), 500],
  ["sets of small objects", "object.subset", (n) => setAndHalf(n, (at) => `{"id": ${at}, "of": "x"}`), 400],
  ["sets of texts beyond the basic plane", "object.subset", (n) => setAndHalf(n, (at) => text(`😀😀😀${at}`)), 500],
  [
    "a long text among short ones",
    "object.subset",
    (n) => `{${list(n, (at) => text(`a${at}`))}}, {${text("b".repeat(n * 20))}}`,
    1_000,
  ],
  [
    "paths through a graph",
    "graph.reachable_paths",
    (n) => `{${list(n, (at) => `"n${at}": ["n${at + 1}"]`)}}, ["n0"]`,
    60,
  ],
  ["layout of JSON", "json.marshal_with_options", (n) => `[${list(n, String)}], {"pretty": true}`, 5_000],
  [
    "layout of JSON in depth",
    "json.marshal_with_options",
    (n) => `${"[".repeat(n)}${list(500, String)}${"]".repeat(n)}, {"pretty": true}`,
    200,
  ],
];

const PATCHES: readonly Row[] = [
  [
    "a key that is a long array",
    "json.patch",
    (n) => `{[${list(n, String)}]: 1}, ${operations(50, (at) => `{"op": "add", "path": "/${at}", "value": 1}`)}`,
    2_000,
  ],
  [
    "members and operations",
    "json.patch",
    (n) =>
      `{${list(n, (at) => `"${at}": 1`)}}, ${operations(n, (at) => `{"op": "add", "path": "/b${at}", "value": 1}`)}`,
    60,
  ],
  [
    "a set of arrays that begin alike",
    "json.patch",
    (n) =>
      `{${list(n, (at) => `[${list(n, () => "1")}, ${at}]`)}}, ${operations(20, (at) => `{"op": "add", "path": [${at}], "value": ${at}}`)}`,
    25,
  ],
  [
    "copies of the same",
    "json.patch",
    (n) =>
      `{"a": [${list(n, String)}]}, ${operations(n >> 2, (at) => `{"op": "copy", "from": "/a", "path": "/b${at}"}`)}`,
    200,
  ],
];

const SCHEMAS: readonly Row[] = [
  [
    "schemas with an enum each",
    "json.match_schema",
    (n) => `[${list(n, String)}], {"anyOf": [${list(n, (at) => `{"enum": [${at}]}`)}]}`,
    200,
  ],
  [
    "items that are in no enum",
    "json.match_schema",
    (n) => `[${list(n, () => `"x"`)}], {"items": {"enum": [${list(n, String)}]}}`,
    150,
  ],
  ["required members", "json.match_schema", (n) => `{}, {"required": [${list(n, (at) => text(`name${at}`))}]}`, 500],
  [
    "patterns for each member",
    "json.match_schema",
    (n) => `{${list(n, (at) => `"name${at}": 1`)}}, {"patternProperties": {${list(n, (at) => `"[xyz]${at}": true`)}}}`,
    30,
  ],
  [
    "patterns for one text",
    "json.match_schema",
    (n) =>
      `[${text("a".repeat(n * 10))}], {"items": {"anyOf": [${list(n, (at) => `{"pattern": "[xyz][\\\\x{${(0x4e00 + at).toString(16)}}-\uffff]"}`)}]}}`,
    50,
  ],
  [
    "schemas of which none asks how long a text is",
    "json.match_schema",
    (n) => `[${text("a".repeat(n * 40))}], {"items": {"oneOf": [${list(n, (at) => `{"const": ${at}}`)}]}}`,
    75,
  ],
  [
    "schemas of which each asks how long a text is",
    "json.match_schema",
    (n) => `[${text("😀a".repeat(n * 20))}], {"items": {"allOf": [${list(n, (at) => `{"minLength": ${at}}`)}]}}`,
    75,
  ],
  [
    "schemas that compare the digits of a number",
    "json.match_schema",
    (n) => `[${"7".repeat(n * 40)}], {"items": {"anyOf": [${list(n, (at) => `{"maximum": ${at}}`)}]}}`,
    75,
  ],
  [
    "schemas to look at",
    "json.verify_schema",
    (n) => `{"properties": {${list(n, (at) => `"p${at}": {"type": "string", "enum": ["a", "b"]}`)}}}`,
    500,
  ],
];

const TEXTS: readonly Row[] = [
  ["matches", "regex.find_n", (n) => `"a", ${text("a".repeat(n))}, -1`, 2_000],
  ["what is left after each match", "regex.find_n", (n) => `"a(.*b)?", ${text("a".repeat(n))}, -1`, 100],
  ["pieces", "regex.split", (n) => `"x", ${text("ax".repeat(n))}`, 1_000],
  ["places", "indexof_n", (n) => `${text("ab".repeat(n))}, "a"`, 5_000],
  ["a text laid out", "sprintf", (n) => `${text("%d ".repeat(n))}, [${list(n, String)}]`, 1_000],
  ["YAML", "yaml.unmarshal", (n) => text(`- a: 1\n`.repeat(n)), 300],
  ["YAML written", "yaml.marshal", (n) => `[${list(n, (at) => `{"a": ${at}}`)}]`, 1_000],
  ["YAML written in depth", "yaml.marshal", (n) => `${"[".repeat(n)}${list(500, String)}${"]".repeat(n)}`, 50],
  ["a query in GraphQL", "graphql.parse_query", (n) => text(`{ ${"a ".repeat(n)} }`), 500],
  ["a module of Rego", "rego.parse_module", (n) => `"", ${text(`package a\n${"p if { x := 1 }\n".repeat(n)}`)}`, 50],
  ["networks merged", "net.cidr_merge", (n) => `[${list(n, (at) => text(`10.${at >> 8}.${at & 255}.0/24`))}]`, 500],
  [
    "networks in networks",
    "net.cidr_contains_matches",
    (n) => `[${list(n, (at) => text(`10.0.${at}.0/24`))}], [${list(n, (at) => text(`10.0.${at}.1`))}]`,
    60,
  ],
  [
    "a query of an address",
    "urlquery.decode_object",
    (n) => text(Array.from({ length: n }, (_, at) => `k${at}=v`).join("&")),
    1_000,
  ],
  ["a search in vain", "indexof", (n) => `${text("a".repeat(n * 10))}, ${text(`${"a".repeat(n)}b`)}`, 200],
  ["places replaced", "replace", (n) => `${text("ab".repeat(n))}, "a", "c"`, 2_000],
  ["several replaced", "strings.replace_n", (n) => `{"a": "x", "b": "y"}, ${text("abc".repeat(n))}`, 1_000],
  ["JSON", "json.unmarshal", (n) => text(`[${list(n, (at) => `{"a": ${at}}`)}]`), 500],
  ["a match", "regex.match", (n) => `"(foo|bar|[a-f]+x)$", ${text("abcdef ".repeat(n))}`, 300],
  ["parts of a path", "glob.match", (n) => `"/files/**/x/*", ["/"], ${text(`/files${"/x".repeat(n)}/y/z`)}`, 300],
  ["a path of one part", "glob.match", (n) => `"*a*b*c", ["/"], ${text("ab".repeat(n))}`, 500],
  ["alternatives", "glob.match", (n) => `"{${list(n, (at) => `a${at}*`)}}", ["/"], ${text("a7x")}`, 60],
  ["a template", "strings.render_template", (n) => `"{{range .l}}x{{end}}", {"l": [${list(n, () => "1")}]}`, 1_000],
];

/** Sizes that no text shows: an exponent of four digits says as much as thousands of digits would. */
const NUMBERS: readonly Row[] = [
  ["exponents of keys", "object.subset", (n) => `[${list(500, (at) => `{1.${at + 1_000}e${n}: 1}`)}], [0, 1]`, 1_200],
  ["exponents of what is added", "sum", (n) => `[${list(500, (at) => `${at % 2 ? "-" : ""}1e${n}`)}]`, 360],
  ["exponents of what is multiplied", "product", (n) => `[${list(100, () => `1e${n}, 0`)}]`, 360],
];

const certificate = (parts: Parameters<typeof derCertificate>[0]): string =>
  text(derCertificate(parts).toString("base64"));
const CERTIFICATES: readonly Row[] = [
  [
    "bits of a signature that do not end with a byte",
    "crypto.x509.parse_certificates",
    (n) => certificate({ unusedBits: 1, signature: Buffer.alloc(n, 0xfe) }),
    10_000,
  ],
  [
    "digits of a serial number",
    "crypto.x509.parse_certificates",
    (n) => certificate({ serial: Buffer.alloc(n, 0x7f) }),
    1_000,
  ],
];

describe("processor time grows no faster than what is paid", () => {
  test.each([...OBJECTS, ...PATCHES, ...SCHEMAS, ...TEXTS, ...NUMBERS, ...CERTIFICATES])(
    "%s: %s",
    (_, name, argsOf, size) => {
      const { time, paid } = growthOf(builtinNamed(name), argsOf(size), argsOf(4 * size), MARGIN);
      expect(time).toBeLessThan(MARGIN * paid);
    },
  );
});

test("a path that has the end of a glob at each place takes a small part of a budget", () => {
  const path = JSON.stringify(`/files${"/x".repeat(2_000)}/y/z`);
  expect(builtinNamed("glob.match")(`"/files/**/x/*", ["/"], ${path}`)()).toBeLessThan(
    (DEFAULT_BUDGET.timeMs * FUEL_PER_MS) / 4,
  );
});
