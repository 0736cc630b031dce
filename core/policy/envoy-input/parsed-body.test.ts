import { describe, expect, test } from "@jest/globals";
import { writeJson } from "../rego-value/write.ts";
import { parseBody } from "./parsed-body.ts";

describe("bodies", () => {
  const json = new Map([["content-type", "application/json; charset=utf-8"]]);
  const parsed = (headers: ReadonlyMap<string, string>, text: string | Buffer): unknown => {
    const body = parseBody(headers, typeof text === "string" ? Buffer.from(text) : text);
    return body.kind === "fault" ? "fault" : `${writeJson(body.body)} ${body.truncated}`;
  };

  test.each([
    '{"a":1} x',
    "{",
    '{"a":01}',
    "[1,]",
    "\u00a0{}",
    " ",
    '"\u0001"',
    "[".repeat(10_001),
    '[{"a":1,"a":1}]',
    '{"a":1,"\\u0061":2}',
  ])("%j is refused", (text) => {
    expect(parsed(json, text)).toBe("fault");
  });

  test.each([
    ["Latin-1", Buffer.from('{"owner":"M\u00fcller"}', "latin1")],
    ["UTF-16", Buffer.from('{"owner":"dana"}', "utf16le")],
    ["half a character", Buffer.from('["ü"]').subarray(0, 3)],
    ["half a surrogate pair in bytes", Buffer.from('["\u00ed\u00a0\u0080"]', "latin1")],
  ])("%s, which an upstream may read in another way, is refused", (_what, bytes) => {
    expect(parsed(json, bytes)).toBe("fault");
    expect(parsed(json, '["ü\ufffd"]')).toBe('["ü\ufffd"] false');
  });

  test("numbers keep their text, no name is special, half a surrogate pair is U+FFFD", () => {
    expect(parsed(json, "[9007199254740993,1.0,1e400,-0]")).toBe("[9007199254740993,1.0,1e400,-0] false");
    expect(parsed(json, '{"a":1,"__proto__":3}')).toBe('{"a":1,"__proto__":3} false');
    expect(parsed(new Map([["content-type", "Application/JSON"]]), "{}")).toBe("{} false");
    expect(parsed(json, String.raw`["\ud800x","\ud83d\ude00"]`)).toBe('["\ufffdx","😀"] false');
    expect(parsed(json, String.raw`["\ud800\ud800","\udc00\ud800"]`)).toBe('["\ufffd\ufffd","\ufffd\ufffd"] false');
    expect(parsed(json, `${"[".repeat(1000)}${"]".repeat(1000)}`)).toContain("false");
  });

  test("a cut body is never half read", () => {
    expect(parsed(new Map([...json, ["x-envoy-auth-partial-body", "true"]]), "{}")).toBe("null true");
    expect(parsed(new Map([...json, ["content-length", "3"]]), "{}")).toBe("null true");
    expect(parsed(new Map([...json, ["content-length", "007"]]), '{"a":1}')).toBe('{"a":1} false');
    expect(parsed(new Map([...json, ["content-length", "7,7"]]), '{"a":1}')).toBe("fault");
  });

  test("forms are lists by name; other types are not read", () => {
    const form = new Map([["content-type", "application/x-www-form-urlencoded"]]);
    expect(parsed(form, "a=1&a=2&b")).toBe('{"a":["1","2"],"b":[""]} false');
    expect(parsed(form, "a=1;b=2")).toBe("fault");
    expect(parsed(new Map([["content-type", "text/plain"]]), "{}")).toBe("null false");
    expect(parsed(new Map(), "{}")).toBe("null false");
  });
});
