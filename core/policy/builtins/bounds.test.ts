/** A built-in runs outside of the metered module, so each has to end by itself, whatever it is given. */
import { describe, expect, test } from "@jest/globals";
import { derCertificate } from "../../../test/harness/der-certificate.ts";
import { builtinCall, callBuiltin, runBuiltin } from "../../../test/harness/run-builtin.ts";
import { threadMs } from "../../../test/harness/thread-time.ts";
import { BuiltinLimit } from "../builtin.ts";

const many = (count: number, item: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => item(at)).join(",");

describe("what would take for ever, or make too much, ends at once and is never answered", () => {
  test.each<readonly [string, () => string]>([
    [
      "sprintf of a thousand wide directives",
      () => callBuiltin("sprintf", "%900000d".repeat(1_000), Array(1_000).fill(1)),
    ],
    ["numbers.range_step over a billion", () => callBuiltin("numbers.range_step", 1, 1_000_000_000, 1)],
    ["net.cidr_expand of /8", () => callBuiltin("net.cidr_expand", "10.0.0.0/8")],
    ["units.parse with an endless exponent", () => callBuiltin("units.parse", "1e999999")],
    ["units.parse_bytes of very many digits", () => callBuiltin("units.parse_bytes", "9".repeat(1_000_000))],
    [
      "semver.compare of very many digits",
      () => callBuiltin("semver.compare", `1.2.${"9".repeat(1_000_000)}`, "1.2.3"),
    ],
    [
      "regex.replace that multiplies its text",
      () => callBuiltin("regex.replace", "a".repeat(50_000), "a", "b".repeat(1_000)),
    ],
    [
      "regex.globs_match of very long globs",
      () => callBuiltin("regex.globs_match", "a*b*".repeat(1_000), "b*a*".repeat(1_000)),
    ],
    [
      "graph.reachable_paths through a lattice",
      () => {
        const layers = many(
          40,
          (at) => `"l${at}": ["r${at}", "s${at}"], "r${at}": ["l${at + 1}"], "s${at}": ["l${at + 1}"]`,
        );
        return runBuiltin("graph.reachable_paths", `[{${layers}}, ["l0"]]`);
      },
    ],
    [
      "json.match_schema of schemas that double at each level",
      () => {
        const levels = many(
          30,
          (at) => `"d${at}": {"allOf": [{"$ref": "#/definitions/d${at + 1}"}, {"$ref": "#/definitions/d${at + 1}"}]}`,
        );
        return runBuiltin(
          "json.match_schema",
          `[[1], {"definitions": {${levels}, "d30": {}}, "$ref": "#/definitions/d0"}]`,
        );
      },
    ],
    [
      "json.verify_schema of a pattern of nested counts",
      () => callBuiltin("json.verify_schema", { pattern: "(((x{1,30}){1,30})y{1,900})*".repeat(90) }),
    ],
    [
      "json.match_schema of a text that is to be a pattern, with nested counts",
      () =>
        callBuiltin("json.match_schema", ["(((x{1,30}){1,30})y{1,900})*".repeat(90)], { items: { format: "regex" } }),
    ],
    [
      "yaml.unmarshal of aliases that multiply",
      () => {
        const levels = Array.from({ length: 12 }, (_, at) => `a${at + 1}: &a${at + 1} [${many(9, () => `*a${at}`)}]`);
        return callBuiltin("yaml.unmarshal", ["a0: &a0 x", ...levels].join("\n"));
      },
    ],
    [
      "strings.render_template of loops in loops",
      () =>
        callBuiltin("strings.render_template", "{{range .l}}{{range $.l}}{{range $.l}}x{{end}}{{end}}{{end}}", {
          l: Array(500).fill(1),
        }),
    ],
    [
      "a certificate with a serial number of very many digits",
      () =>
        callBuiltin(
          "crypto.x509.parse_certificates",
          derCertificate({ serial: Buffer.alloc(300_000, 0x7f) }).toString("base64"),
        ),
    ],
    ["indexof_n of half a text in it", () => callBuiltin("indexof_n", "a".repeat(900_000), `${"a".repeat(450_000)}b`)],
    [
      "strings.count of half a text in it",
      () => callBuiltin("strings.count", "a".repeat(900_000), `b${"a".repeat(450_000)}`),
    ],
    [
      "indexof_n beyond the basic plane",
      () => callBuiltin("indexof_n", "😀".repeat(100_000), `${"😀".repeat(50_000)}b`),
    ],
    ["a pattern of a million characters", () => callBuiltin("regex.find_n", "a?b*".repeat(250_000), "abc", -1)],
    [
      "a pattern of nested counts",
      () => callBuiltin("regex.find_n", "(((x{1,30}){1,30})y{1,900})*".repeat(90), "x", -1),
    ],
    [
      "json.patch that doubles its document forty times",
      () =>
        callBuiltin(
          "json.patch",
          { a: "x".repeat(100) },
          Array.from({ length: 40 }, (_, at) => ({ op: "copy", from: "", path: `/b${at}` })),
        ),
    ],
    [
      "object.subset of long arrays",
      () => callBuiltin("object.subset", Array(20_000).fill(1), [...Array(9_999).fill(1), 2]),
    ],
    [
      "net.cidr_contains_matches of everything with everything",
      () => {
        const networks = Array.from({ length: 2_000 }, (_, at) => `10.${at >> 8}.${at & 255}.0/24`);
        return callBuiltin("net.cidr_contains_matches", networks, networks);
      },
    ],
    [
      "nested JWTs",
      () => {
        const wrap = (inner: string): string =>
          `${Buffer.from('{"cty":"JWT"}').toString("base64url")}.${Buffer.from(inner).toString("base64url")}.`;
        let token = "x";
        for (let depth = 0; depth < 12; depth++) token = wrap(token);
        return callBuiltin("io.jwt.decode", token);
      },
    ],
    [
      "time.date in more zones than anybody lives in",
      () => {
        const call = { ...builtinCall };
        const answers = Intl.supportedValuesOf("timeZone").map((zone) =>
          runBuiltin("time.date", `[[0, "${zone}"]]`, call),
        );
        return answers.at(-1) ?? "";
      },
    ],
  ])("%s", (_, call) => {
    const ms = threadMs(3_000, () => {
      expect(["error", "limit"]).toContain(call());
    });
    expect(ms).toBeLessThan(3_000);
  });
});

describe("what has many steps pays on its way", () => {
  const poor = {
    ...builtinCall,
    pay: (units: number) => {
      if (units > 0) throw new BuiltinLimit("not paid");
    },
  };
  test.each([
    ["regex.find_n", '["a", "aaa", -1]'],
    ["regex.split", '["a", "xaxax"]'],
    ["regex.replace", '["xax", "a", "b"]'],
    ["json.patch", '[{}, [{"op": "add", "path": "/a", "value": 1}]]'],
    ["strings.any_prefix_match", '[["abc"], ["a"]]'],
    ["strings.any_suffix_match", '[["abc"], ["c"]]'],
    ["regex.template_match", '["urn:{[a-z]+}", "urn:a", "{", "}"]'],
    ["time.clock", '[[0, "Europe/Vienna"]]'],
    ["sprintf", '["%v", [[1, 2]]]'],
    ["yaml.marshal", '[{"a": [1, 2]}]'],
    ["json.marshal_with_options", '[[1], {"pretty": true}]'],
    ["urlquery.decode", '["%41"]'],
    ["urlquery.decode_object", '["a=b"]'],
    ["indexof_n", '["aba", "a"]'],
    ["object.subset", "[{1, 2, 3}, {1, 2}]"],
    ["object.subset", "[[1, 2, 3], [2, 3]]"],
    ["json.match_schema", '[{"a": 1}, {"properties": {"a": {"enum": [1, 2]}}}]'],
    ["json.verify_schema", '[{"pattern": "b+"}]'],
    ["graph.reachable_paths", '[{"a": ["b"], "b": []}, ["a"]]'],
    ["net.cidr_expand", '["10.0.0.0/30"]'],
    ["net.cidr_contains_matches", '["10.0.0.0/8", ["10.0.0.1/32"]]'],
  ])("%s", (name, args) => {
    expect(runBuiltin(name, args, poor)).toBe("limit");
    expect(["limit", "error"]).not.toContain(runBuiltin(name, args));
  });
});

test.each<readonly [string, string, (size: number) => readonly unknown[]]>([
  ["matches", "regex.find_n", (size) => ["a", "a".repeat(size), -1]],
  ["characters that are searched in vain", "regex.find_n", (size) => ["[bc]", "a".repeat(size), -1]],
  ["prefixes of each text", "strings.any_prefix_match", (size) => ["x", Array(size).fill("a")]],
  [
    "members that each operation copies",
    "json.patch",
    (size) => [Array(size).fill(1), [{ op: "add", path: "/-", value: 1 }]],
  ],
])("more %s cost more, the same the same", (_, name, argsOf) => {
  const costOf = (size: number) => {
    let cost = 0;
    const pay = (units: number) => {
      cost += units;
    };
    runBuiltin(name, JSON.stringify(argsOf(size)), { ...builtinCall, pay });
    return cost;
  };
  expect(costOf(1_000)).toBe(costOf(1_000));
  expect(costOf(10_000)).toBeGreaterThan(5 * costOf(1_000));
});

test("a zone is loaded and paid at its first use in an evaluation, whether it was used in an earlier one or not", () => {
  const costOf = () => {
    let cost = 0;
    const call = { ...builtinCall, pay: (units: number) => void (cost += units) };
    const uses = [1, 2].map(() => {
      runBuiltin("time.format", '[[0, "Asia/Kathmandu", "15:04 MST"]]', call);
      return cost;
    });
    const [first = 0, both = 0] = uses;
    expect(both - first).toBeLessThan(first / 10);
    return cost;
  };
  expect(costOf()).toBeGreaterThan(0);
  expect(costOf()).toBe(costOf());
});

test("a large set is a subset of another in little time", () => {
  const items = many(20_000, String);
  const ms = threadMs(3_000, () => {
    expect(runBuiltin("object.subset", `[{${items}}, {${items}}]`)).toBe("true");
  });
  expect(ms).toBeLessThan(3_000);
});
