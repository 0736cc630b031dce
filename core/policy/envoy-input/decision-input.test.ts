import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { HttpRequest } from "../../domain/binding.ts";
import { bytesOfText, textOfBytes } from "../rego-value/bytes.ts";
import { inputReadsOf } from "../input-reads.ts";
import { writeJson } from "../rego-value/write.ts";
import { createDecisionInput, type DescribedCall } from "./decision-input.ts";
import { parseBody } from "./parsed-body.ts";
import { parsePath } from "./parsed-path.ts";

function http(parts: Partial<HttpRequest> = {}): HttpRequest {
  return {
    method: "GET",
    scheme: "https",
    authority: "api.example",
    path: "/orders/42",
    query: "",
    headers: new Map(),
    body: { kind: "bytes", bytes: new Uint8Array() },
    ...parts,
  };
}

function call(request: HttpRequest | undefined): DescribedCall {
  const nobody = { address: "", port: 0, principal: "", service: "", labels: new Map(), certificate: "" };
  return {
    call: {
      source: { ...nobody, address: "10.1.2.3", port: 5000 },
      destination: undefined,
      time: { seconds: 7, nanos: 0 },
      http: request,
      httpDetails: request && { id: "1", protocol: "HTTP/1.1", size: -1 },
      contextExtensions: new Map(),
      tlsServerName: undefined,
    },
  };
}

function inputOf(request: HttpRequest | undefined): unknown {
  const made = createDecisionInput(call(request), undefined, { time: "2026-11-24T10:00:00Z" });
  return made.kind === "input" ? JSON.parse(made.json) : made;
}

describe("paths", () => {
  test.each([
    ["//x/people", ["x", "people"]],
    ["%2Fmy%2Fp", ["my", "p"]],
    ["/a%2Fb", ["a", "b"]],
    ["/a/", ["a", ""]],
    ["/", [""]],
    ["", [""]],
    ["/a//b", ["a", "", "b"]],
    ["/a/../b;c#d", ["a", "..", "b;c#d"]],
    ["/a+b%2B", ["a+b+"]],
    ["/p?x=1", ["p"]],
    ["///", [""]],
    ["/%ff", ["\udcff"]],
    ["/%c3%a9/é", ["é", "é"]],
  ])("%s", (text, segments) => {
    expect(parsePath(text)).toMatchObject({ kind: "parsed", segments });
  });

  test.each(["/%", "/%zz", "/a%2", "/p?a=%zz", "/p?a=1;b=2", "/p?a;b"])("%s is refused", (text) => {
    expect(parsePath(text).kind).toBe("fault");
  });

  test("queries keep order, repeats and names such as __proto__", () => {
    const parsed = parsePath("/p?a=1&b&a=2+3&__proto__=x&=y");
    expect(parsed.kind === "parsed" && [...parsed.query]).toEqual([
      ["a", ["1", "2 3"]],
      ["b", [""]],
      ["__proto__", ["x"]],
      ["", ["y"]],
    ]);
  });
});

test("bytes that are not UTF-8 survive as text and back", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      expect(Buffer.from(bytesOfText(textOfBytes(bytes)))).toEqual(Buffer.from(bytes));
    }),
  );
});

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

describe("the document", () => {
  test("a request that cannot be described is a fault", () => {
    expect(createDecisionInput(call(http({ path: "/%zz" })), undefined, {})).toMatchObject({ kind: "fault" });
  });

  test.each([
    ["/public/../admin", ""],
    ["/public/..;/admin", ""],
    ["/public/%2e%2e%3bx/admin", ""],
    ["/public%2f..%2fadmin", ""],
    ["/public\\admin", ""],
    ["/public#/admin", ""],
    ["/public", "?a=1#/admin"],
    ["/public%00/admin", ""],
    ["/public/.\t./admin", ""],
  ])("%s%s, which an upstream may read in another way, is a fault", (path, query) => {
    expect(createDecisionInput(call(http({ path, query })), undefined, {})).toMatchObject({ kind: "fault" });
    expect(createDecisionInput(call(http({ path, query })), undefined, {}, inputReadsOf([["action"]]))).toMatchObject({
      kind: "fault",
    });
  });

  test.each([
    ["/a//b", ["a", "", "b"]],
    ["/group%2Fname", ["group", "name"]],
    ["/a%5cb", ["a\\b"]],
    ["/a/%252e%252e/b", ["a", "%2e%2e", "b"]],
    ["/a;v=../.b/c..", ["a;v=..", ".b", "c.."]],
  ])("%s is an ordinary path", (path, segments) => {
    const input = inputOf(http({ path, query: "?x=/../%23\\" }));
    expect(input).toMatchObject({ parsed_path: segments });
  });

  test("headers are joined, the body is read and shown, unset fields are absent", () => {
    const headers = new Map([
      ["content-type", ["application/json"]],
      ["x-a", ["1", "2"]],
      ["__proto__", ["p"]],
    ]);
    const body = { kind: "bytes", bytes: Buffer.from('{"amount":40}') } as const;
    const input = inputOf(http({ method: "POST", query: "?a=1", headers, body }));
    expect(input).toMatchObject({
      version: { ext_authz: "v3", encoding: "protojson" },
      attributes: {
        source: { address: { socketAddress: { address: "10.1.2.3", portValue: 5000 } } },
        request: {
          time: { seconds: 7 },
          http: { method: "POST", path: "/orders/42?a=1", size: -1, rawBody: "eyJhbW91bnQiOjQwfQ==" },
        },
      },
      parsed_path: ["orders", "42"],
      parsed_query: { a: ["1"] },
      parsed_body: { amount: 40 },
      truncated_body: false,
      subject: { type: "anonymous", id: "" },
      action: { name: "POST" },
      resource: { type: "http_request", id: "api.example/orders/42" },
      context: { time: "2026-11-24T10:00:00Z" },
    });
    const text = JSON.stringify(input);
    expect(text).toContain('"x-a":"1,2"');
    expect(text).toContain('"__proto__":"p"');
    expect(text).not.toContain("destination");
    expect(text).not.toContain("contextExtensions");
  });

  test("what the policy does not read is left out, and what it reads is the same as in the whole", () => {
    const described = call(http({ query: "?a=1" }));
    const reading = (paths?: readonly (readonly string[])[]): Record<string, unknown> => {
      const made = createDecisionInput(
        described,
        undefined,
        { time: "2026-11-24T10:00:00Z" },
        paths && inputReadsOf(paths),
      );
      return made.kind === "input" ? JSON.parse(made.json) : {};
    };
    const whole = reading();
    for (const [name, value] of Object.entries(whole)) expect(reading([[name], ["else"]])).toEqual({ [name]: value });
    expect(reading(Object.keys(whole).map((name) => [name]))).toEqual(whole);
    expect(reading([])).toEqual({});
    expect(
      reading([
        ["attributes", "request", "http", "method"],
        ["subject", "properties", "groups"],
        ["subject", "id"],
        ["context", "x"],
      ]),
    ).toEqual({
      attributes: { request: { http: { method: "GET" } } },
      subject: { id: "", properties: { groups: [] } },
      context: {},
    });
  });

  test("a TCP connection has an empty path and no request", () => {
    expect(inputOf(undefined)).toMatchObject({ parsed_path: [""], action: { name: "connect" }, parsed_body: null });
  });
});
