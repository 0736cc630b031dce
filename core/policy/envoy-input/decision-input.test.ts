import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { HttpRequest } from "../../domain/binding.ts";
import { bytesOfText, textOfBytes } from "../rego-value/bytes.ts";
import { inputReadsOf } from "../input-reads.ts";
import { createDecisionInput, type DescribedCall } from "./decision-input.ts";
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

describe("the document", () => {
  const json = (text: string, ...more: readonly [string, readonly string[]][]): Partial<HttpRequest> => ({
    headers: new Map<string, readonly string[]>([["content-type", ["application/json"]], ...more]),
    body: { kind: "bytes", bytes: Buffer.from(text) },
  });
  const cannotBeParsed: readonly (readonly [part: string, request: Partial<HttpRequest>])[] = [
    ["query", { query: "?q=100%" }],
    ["query", { query: "?a=1;b=2" }],
    ["body", json("{")],
    ["body", json('{"amount":4000}', ["content-encoding", ["gzip"]])],
    ["body", json('{"amount":4000}', ["content-encoding", ["identity", "br"]])],
    ["body", json('{"amount":4000}', ["content-length", ["x"]])],
  ];

  test.each(cannotBeParsed)("a %s that cannot be parsed is a fault where the policy reads it", (part, request) => {
    const fault = { kind: "fault", detail: expect.stringMatching(`^${part}: `) };
    const reads = inputReadsOf([["action"], [`parsed_${part}`, "amount"]]);
    expect(createDecisionInput(call(http(request)), undefined, {}, reads)).toEqual(fault);
    expect(createDecisionInput(call(http(request)), undefined, {})).toEqual(fault);
  });

  test.each(cannotBeParsed)("a %s that cannot be parsed is no fault where nothing of it is read", (part, request) => {
    const other = part === "body" ? "parsed_query" : "parsed_body";
    const reads = inputReadsOf([["action"], [other], ["parsed_path"], ["attributes"]]);
    const made = createDecisionInput(call(http(request)), undefined, {}, reads);
    expect(made.kind === "input" && JSON.parse(made.json)).toMatchObject({ parsed_path: ["orders", "42"] });
    expect(made.kind === "input" && made.json).not.toContain(`"parsed_${part}"`);
  });

  test("whether a body was cut is read from the body, and a path is parsed whoever reads it", () => {
    const cut = json("{", ["content-length", ["3"]]);
    const made = createDecisionInput(call(http(cut)), undefined, {}, inputReadsOf([["truncated_body"]]));
    expect(made).toEqual({ kind: "input", json: '{"truncated_body":true}' });
    const path = createDecisionInput(call(http({ path: "/%zz" })), undefined, {}, inputReadsOf([["action"]]));
    expect(path).toEqual({ kind: "fault", detail: expect.stringMatching("^path: ") });
  });

  test("a body of which a part was sent is a fault for a policy that reads what it says and not whether it is whole", () => {
    const cut = http(json('{"amount":4000}', ["x-envoy-auth-partial-body", ["true"]]));
    const fault = { kind: "fault", detail: expect.stringMatching("^body: ") };
    const made = (...reads: readonly (readonly string[])[]) =>
      createDecisionInput(call(cut), undefined, {}, inputReadsOf(reads));
    expect(made(["parsed_body", "amount"])).toEqual(fault);
    expect(createDecisionInput(call(cut), undefined, {})).toEqual(fault);
    const both = { kind: "input", json: '{"parsed_body":null,"truncated_body":true}' };
    expect(made(["parsed_body", "amount"], ["truncated_body"])).toEqual(both);
    expect(made(["action"]).kind).toBe("input");
  });

  test("an encoding that is none changes nothing", () => {
    const plain = json('{"amount":4000}', ["content-encoding", ["Identity"]]);
    expect(inputOf(http(plain))).toMatchObject({ parsed_body: { amount: 4000 } });
  });

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
