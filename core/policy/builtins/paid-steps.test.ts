/** The work of a built-in grows no faster than what it is given and what it pays. */
import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { builtinCall, callBuiltin, runBuiltin } from "../../../test/harness/run-builtin.ts";
import { threadMs } from "../../../test/harness/thread-time.ts";
import { BuiltinError } from "../builtin.ts";
import { multipartForm } from "../envoy-input/multipart.ts";
import { decodeQuotedPrintable } from "../envoy-input/quoted-printable.ts";
import { writeRego } from "../rego-value/write.ts";
import { NUMBER_TEXT } from "./number-text.ts";

const LONG = 500_000;
const MANY = 100_000;

function toNumber(text: string): string {
  try {
    return writeRego(NUMBER_TEXT.get("to_number")?.([text], builtinCall) ?? null);
  } catch (error) {
    if (error instanceof BuiltinError) return "error";
    throw error;
  }
}

describe("a long text is looked at once, not once from each of its characters", () => {
  test.each<readonly [string, () => unknown, unknown]>([
    [
      "a duration of digits without a unit",
      () => callBuiltin("time.parse_duration_ns", `${"1".repeat(LONG)}x`),
      "error",
    ],
    ["a number that ends in a letter", () => toNumber(`${"1".repeat(LONG)}x`), "error"],
    [
      "blanks in the middle of a template's text",
      () => callBuiltin("strings.render_template", `${" ".repeat(LONG)}x{{- 1}}`, {}).length,
      LONG + 4,
    ],
    [
      "quotes in the middle of a nested token",
      () => {
        const payload = Buffer.from(`${'"'.repeat(LONG)}x`).toString("base64url");
        return callBuiltin("io.jwt.decode", `${Buffer.from('{"cty":"JWT"}').toString("base64url")}.${payload}.`);
      },
      "error",
    ],
    [
      "quotes in the middle of a DNS name to verify",
      () =>
        callBuiltin("crypto.x509.parse_and_verify_certificates_with_options", "", {
          DNSName: `x${'"'.repeat(LONG)}x`,
        }),
      "[false, []]",
    ],
    [
      "PEM endings without a beginning",
      () => callBuiltin("crypto.x509.parse_certificates", `-----BEGIN${"-----END ".repeat(MANY)}`),
      "[]",
    ],
    [
      "PEM beginnings and endings on one line",
      () => callBuiltin("crypto.x509.parse_certificates", "-----BEGIN A----------END ".repeat(MANY)),
      "[]",
    ],
    [
      "braces of a URI template that are never closed",
      () => {
        const matched = callBuiltin("json.match_schema", [`/${"{".repeat(LONG)}`], {
          items: { format: "uri-template" },
        });
        return matched.slice(0, 6);
      },
      "[false",
    ],
    [
      "blanks in the middle of a quoted-printable line",
      () => decodeQuotedPrintable(`a${" ".repeat(LONG)}b`),
      { kind: "text", text: `a${" ".repeat(LONG)}b` },
    ],
    [
      "blanks in the middle of a part's header",
      () => multipartForm(`--b\r\na: ${" ".repeat(LONG)}b\r\n\r\n\r\n--b--`, "b"),
      { kind: "parts", parts: [] },
    ],
    [
      "directives with a bracket that nothing closes",
      () => callBuiltin("sprintf", "%[".repeat(LONG), []).slice(-5),
      '%[%["',
    ],
    [
      "a long text of which each directive shows nothing",
      () => callBuiltin("sprintf", "%.0[1]s".repeat(MANY), ["a".repeat(LONG)]),
      '""',
    ],
    [
      "a long text of which each directive shows a byte",
      () => callBuiltin("sprintf", "%.1[1]x".repeat(MANY), ["a".repeat(LONG)]).slice(-5),
      '6161"',
    ],
    [
      "sets of nearly all characters",
      () => callBuiltin("regex.globs_match", "[\u0001-\u{10ffff}]+".repeat(400), "[\u0001-\u{10ffff}]".repeat(400)),
      "true",
    ],
    [
      "variables that are declared again and again",
      () => callBuiltin("strings.render_template", `${"{{$a := 1}}{{$b := $}}".repeat(30_000)}{{$a}}`, {}),
      '"1"',
    ],
    [
      "aliases of a long document",
      () => callBuiltin("yaml.unmarshal", `a: &a 1\nb:\n${"- *a\n".repeat(9_000)}`).length,
      '{"a": 1, "b": []}'.length + 9_000 * 3 - 2,
    ],
  ])("%s", (_, call, answer) => {
    const ms = threadMs(3_000, () => {
      expect(call()).toEqual(answer);
    });
    expect(ms).toBeLessThan(3_000);
  });
});

function costOf(name: string, args: readonly unknown[]): number {
  let cost = 0;
  const answer = runBuiltin(name, JSON.stringify(args), { ...builtinCall, pay: (units) => void (cost += units) });
  expect(["error", "limit"]).not.toContain(answer);
  return cost;
}

const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const base64Url = (text: string): string => Buffer.from(text).toString("base64url");
const keySet = (size: number): string =>
  JSON.stringify({ keys: Array(size).fill(publicKey.export({ format: "jwk" })) });
const token = `${base64Url('{"alg":"ES256"}')}.${base64Url("{}")}.${base64Url("x".repeat(64))}`;

test.each<readonly [string, (size: number) => readonly [string, readonly unknown[]]]>([
  [
    "references that each match fills with nothing",
    (size) => ["regex.replace", ["a".repeat(99), "a", "$x".repeat(size)]],
  ],
  [
    "digits of a number that a schema divides",
    (size) => ["json.match_schema", [`[${"7".repeat(size * 10)}]`, { items: { multipleOf: 7 } }]],
  ],
  ["blanks of a layout", (size) => ["json.marshal_with_options", [Array(size * 10).fill(1), { indent: "        " }]]],
  ["segments of a duration", (size) => ["time.parse_duration_ns", ["1s".repeat(size)]]],
  ["directives", (size) => ["sprintf", ["%[1]d".repeat(size), [1]]]],
  ["characters that one directive quotes", (size) => ["sprintf", ["%q", ["a".repeat(size)]]]],
  [
    "characters of a prefix",
    (size) => ["strings.any_prefix_match", ["a".repeat(size), Array(9).fill("a".repeat(size))]],
  ],
  ["tokens of two globs", (size) => ["regex.globs_match", ["a*b*".repeat(size), `${"b*a*".repeat(size)}c`]]],
  [
    "ranges of two globs",
    (size) => ["regex.globs_match", [`a[${spread(10 * size, 0)}]+`, `a[${spread(10 * size, 1)}]+b`]],
  ],
  ["keys of which none fits", (size) => ["io.jwt.verify_es256", [token, keySet(size)]]],
  ["keys of which none fits, and claims", (size) => ["io.jwt.decode_verify", [token, { cert: keySet(size) }]]],
  ["short lines of YAML", (size) => ["yaml.unmarshal", ["- 1\n".repeat(size)]]],
  [
    "rounds of a template",
    (size) => ["strings.render_template", ["{{range .l}}{{.}}{{end}}", { l: Array(size).fill(1) }]],
  ],
  ["operands of an action", (size) => ["strings.render_template", [`{{and ${"1 ".repeat(size)}}}`, {}]]],
  [
    "characters that a template makes and throws away",
    (size) => ["strings.render_template", ["{{$a := html .t}}", { t: "a".repeat(size * 10) }]],
  ],
])("more %s cost more, in proportion", (_, call) => {
  const [few, many] = [costOf(...call(40)), costOf(...call(160))];
  expect(many).toBeGreaterThan(2 * few);
  expect(costOf(...call(40))).toBe(few);
});

/** Every second character from there on, so that no two are one range. */
function spread(size: number, from: number): string {
  return Array.from({ length: size }, (_, at) => String.fromCodePoint(0x100 + 2 * at + from)).join("");
}

describe("what is written otherwise is read as before", () => {
  test.each([
    ["time.parse_duration_ns", "1h1.5m", "3690000000000"],
    ["time.parse_duration_ns", "-.5s5.ms", "-505000000"],
    ["time.parse_duration_ns", "+0", "0"],
    ["time.parse_duration_ns", "1..5s", "error"],
    ["time.parse_duration_ns", ".s", "error"],
    ["time.parse_duration_ns", "0s0", "error"],
    ["time.parse_duration_ns", "1s ", "error"],
    ["time.parse_duration_ns", "-", "error"],
    ["time.parse_duration_ns", "", "error"],
  ])("%s of %j", (name, text, answer) => {
    expect(callBuiltin(name, text)).toBe(answer);
  });

  test.each([
    [".", "error"],
    ["", "error"],
    ["1.2.3", "error"],
    ["1.5e3", "1.5e3"],
    ["+.5", "5.e-1"],
    ["007.", "7.e0"],
  ])("to_number of %j", (text, answer) => {
    expect(toNumber(text)).toBe(answer);
  });

  test("a variable of an inner block hides the outer one until the block ends; an assignment stays", () => {
    const render = (template: string) => callBuiltin("strings.render_template", template, { l: [7, 8] });
    expect(render("{{if true}}{{$a := 2}}{{end}}{{$a}}")).toBe("error");
    expect(render("{{$a := 1}}{{if true}}{{$a := 2}}{{$a}}{{end}}{{$a}}")).toBe('"21"');
    expect(render("{{$a := 1}}{{range .l}}{{$a = 3}}{{end}}{{$a}}")).toBe('"3"');
    expect(render("{{$a := 1}}{{range $a := .l}}{{$a}}{{break}}{{end}}{{$a}}")).toBe('"71"');
    expect(render("{{with $a := .l}}{{len $a}}{{end}}")).toBe('"2"');
  });

  test("sets of a glob meet where their ranges do", () => {
    const meet = (a: string, b: string) => callBuiltin("regex.globs_match", a, b);
    expect(meet("[a-cx-z]", "[d-w]")).toBe("false");
    expect(meet("[a-cx-z]", "[d-x]")).toBe("true");
    expect(meet("[z-a]", "a")).toBe("error");
    expect(meet("[\u0001-\u{10ffff}]", "\u{1f600}")).toBe("true");
    expect(meet("[abc]*[a-c]+x", "cx")).toBe("true");
  });
});
