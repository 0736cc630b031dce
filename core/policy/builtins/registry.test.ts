import { generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { builtinCall } from "../../../test/harness/run-builtin.ts";
import { threadMs } from "../../../test/harness/thread-time.ts";
import { BuiltinError } from "../builtin.ts";
import { parseValue } from "../rego-value/parse.ts";
import type { RegoValue } from "../rego-value/value.ts";
import { writeRego } from "../rego-value/write.ts";
import { BUILTINS } from "./registry.ts";

const call = builtinCall;

function run(name: string, ...args: readonly string[]): string {
  const result = BUILTINS.get(name)?.(
    args.map((text) => parseValue(text, "rego")),
    call,
  );
  return result === undefined ? "undefined" : writeRego(result);
}

describe("sprintf speaks as Go does", () => {
  test.each([
    ['"%v|%v|%v|%v"', "[1e3, 1, 1.5, 9007199254740993]", '"1e3|1|1.5|9007199254740993"'],
    ['"%s|%d|%d|%t"', '[1, 1.5, "a", true]', '"%!s(int64=1)|%!d(float64=1.5)|%!d(string=a)|%!t(string=true)"'],
    ['"%v %v"', '[{"a": [1, "x"]}, {1, "a"}]', String.raw`"{\"a\": [1, \"x\"]} {1, \"a\"}"`],
    ['"%v %s"', String.raw`[["\u0001\u2028"], {"\u007f": "é"}]`, String.raw`"[\"\\x01\\u2028\"] {\"\\x7f\": \"é\"}"`],
    ['"%5d|%-5d|%05d|%+d|%.2f|%8.3f"', "[42, 42, 42, 42, 3.14159, 2.5]", '"   42|42   |00042|+42|3.14|   2.500"'],
    ['"%d %s"', "[1]", '"1 %!s(MISSING)"'],
    ['"%d"', "[1, 2]", '"1%!(EXTRA int64=2)"'],
    ['"%x|%X|%c|%q|%%"', '[255, "hi", 65, "x"]', String.raw`"ff|6869|A|\"x\"|%"`],
    ['"%v %v %e"', "[1234567.5, 0.000001, 12345.678]", '"1.2345675e+06 1e-06 1.234568e+04"'],
    ['"%[2]d %[1]d"', "[1, 2]", '"2 1"'],
  ])("%s of %s", (format, args, want) => {
    expect(run("sprintf", format, args)).toBe(want);
  });
});

describe("time is exact and a parameter", () => {
  test.each([
    ["time.now_ns", [], "1700000000123456789"],
    ["time.clock", ['[1700000000123456789, "Europe/Berlin"]'], "[23, 13, 20]"],
    ["time.date", ['[1700000000123456789, "America/New_York"]'], "[2023, 11, 14]"],
    ["time.weekday", ["1700000000123456789"], '"Tuesday"'],
    ["time.format", ["1700000000123456789"], '"2023-11-14T22:13:20.123456789Z"'],
    ["time.format", ['[1700000000123456789, "", "RFC1123"]'], '"Tue, 14 Nov 2023 22:13:20 UTC"'],
    ["time.parse_ns", ['"2006-01-02 15:04"', '"2020-05-06 07:08"'], "1588748880000000000"],
    ["time.parse_rfc3339_ns", ['"2020-01-01T00:00:00.123456789+02:00"'], "1577829600123456789"],
    ["time.parse_duration_ns", ['"1h30m1.5s"'], "5401500000000"],
    ["time.add_date", ["1700000000123456789", "1", "2", "3"], "1737152000123456789"],
    ["time.diff", ["1700000000123456789", "1600000000123456789"], "[3, 2, 1, 9, 46, 40]"],
  ])("%s %j", (name, args, want) => {
    expect(run(name, ...args)).toBe(want);
  });

  test.each(['"yesterday"', '"2020-13-01T00:00:00Z"', '"2020-02-30T00:00:00Z"'])("%s is an error", (text) => {
    expect(() => run("time.parse_rfc3339_ns", text)).toThrow(BuiltinError);
  });
});

describe("other built-ins answer as OPA does", () => {
  test.each([
    ["regex.replace", ['"foobar"', '"(?P<x>o+)"', '"${x}z$0"'], '"foozoobar"'],
    ["regex.split", ['"[,;]"', '"a,b;c"'], '["a", "b", "c"]'],
    ["regex.template_match", ['"urn:{.*}:x"', '"urn:foo:x"', '"{"', '"}"'], "true"],
    ["net.cidr_expand", ['"10.0.0.0/30"'], '{"10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3"}'],
    ["net.cidr_contains_matches", ['"1.1.1.0/24"', '["1.1.1.128", "2.2.2.2"]'], '{["1.1.1.0/24", 0]}'],
    ["object.subset", ['{"a": [1, 2, 3]}', '{"a": [2, 3]}'], "true"],
    ["urlquery.encode", ['"a b&c/é~*"'], '"a+b%26c%2F%C3%A9~%2A"'],
    ["urlquery.decode_object", ['"a=1&b=2&a=3"'], '{"a": ["1", "3"], "b": ["2"]}'],
    ["crypto.sha256", ['"a"'], '"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"'],
    ["semver.compare", ['"1.0.0-rc1"', '"1.0.0"'], "-1"],
    ["numbers.range_step", ["1", "10", "3"], "[1, 4, 7, 10]"],
  ])("%s %j", (name, args, want) => {
    expect(run(name, ...args)).toBe(want);
  });

  test("a pattern that makes backtracking engines stall is answered at once", () => {
    const ms = threadMs(5_000, () => {
      expect(run("regex.find_n", '"(a+)+$"', JSON.stringify(`${"a".repeat(20_000)}b`), "1")).toBe("[]");
    });
    expect(ms).toBeLessThan(5_000);
  });
});

describe("tokens", () => {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = keys.publicKey.export({ type: "spki", format: "pem" }).toString();
  const token = (header: object, payload: object): string => {
    const signed = `${part(header)}.${part(payload)}`;
    const key = { key: keys.privateKey, dsaEncoding: "ieee-p1363" } as const;
    return `${signed}.${sign("sha256", Buffer.from(signed), key).toString("base64url")}`;
  };
  const verify = (text: string, constraints: object): RegoValue | undefined => {
    const built = BUILTINS.get("io.jwt.decode_verify");
    return built?.([text, parseValue(JSON.stringify(constraints), "json")], call);
  };
  const failed = "[false, {}, {}]";
  const shown = (text: string, constraints: object): string => writeRego(verify(text, constraints) ?? null);

  test("alg none never verifies, whatever the constraints say", () => {
    const none = `${part({ alg: "none" })}.${part({ iss: "x" })}.`;
    expect(shown(none, { secret: "x" })).toBe(failed);
    expect(shown(none, { secret: "x", alg: "none" })).toBe(failed);
    expect(shown(none, { cert: pem })).toBe(failed);
    expect(() => verify(none, {})).toThrow(BuiltinError);
  });

  test("a public key is never a secret, and claims must hold", () => {
    expect(shown(`${part({ alg: "HS256" })}.${part({})}.AAAA`, { cert: pem })).toBe(failed);
    const good = token({ alg: "ES256" }, { iss: "i", aud: "a", exp: 1_800_000_000 });
    expect(shown(good, { cert: pem, iss: "i", aud: "a" })).toContain("[true, ");
    expect(shown(good, { cert: pem, iss: "other", aud: "a" })).toBe(failed);
    expect(shown(good, { cert: pem })).toBe(failed);
    expect(shown(token({ alg: "ES256" }, { exp: 1_600_000_000 }), { cert: pem })).toBe(failed);
    expect(shown(`${good.slice(0, -2)}AA`, { cert: pem, aud: "a" })).toBe(failed);
  });
});
