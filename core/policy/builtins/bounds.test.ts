/** A built-in runs outside of the policy's own budget, so each has to end by itself, whatever it is given. */
import { describe, expect, test } from "@jest/globals";
import { callBuiltin, runBuiltin } from "../../../test/harness/run-builtin.ts";

const many = (count: number, item: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => item(at)).join(",");

describe("what would take for ever, or make too much, is an error at once", () => {
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
  ])("%s", (_, call) => {
    const begin = performance.now();
    expect(call()).toBe("error");
    expect(performance.now() - begin).toBeLessThan(3_000);
  });
});

test("globs that would be exponential for a greedy matcher are answered", () => {
  const begin = performance.now();
  expect(callBuiltin("regex.globs_match", `${".*a".repeat(150)}x`, `${".*a".repeat(150)}y`)).toBe("false");
  expect(performance.now() - begin).toBeLessThan(3_000);
});

test("a large set is a subset of another in little time", () => {
  const items = many(20_000, String);
  const begin = performance.now();
  expect(runBuiltin("object.subset", `[{${items}}, {${items}}]`)).toBe("true");
  expect(performance.now() - begin).toBeLessThan(3_000);
});
