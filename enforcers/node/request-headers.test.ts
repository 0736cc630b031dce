import { describe, expect, test } from "@jest/globals";
import { readHeaders } from "./request-headers.ts";

const HOST = ["host", "orders.example"];

function read(...flat: string[]) {
  return readHeaders([...HOST, ...flat]);
}

function linesOf(...flat: string[]) {
  const headers = read(...flat);
  return headers.kind === "readable" ? headers.lines : headers.reason;
}

describe("header lines", () => {
  test.each([
    ["an underscore", ["x_user", "sam"]],
    ["a name that objects treat specially", ["__proto__", "sam"]],
    ["a second host", ["Host", "other"]],
    ["a header named in connection", ["connection", "close, x-user", "x-user", "sam"]],
    ["host named in connection", ["connection", "host"]],
    ["content-length named in connection", ["connection", "content-length"]],
  ])("%s is refused", (_, flat) => {
    expect(read(...flat)).toEqual({ kind: "refused", reason: "header_ambiguous" });
  });

  test.each(["", "a@b", "a/b", "a b", "a,b", "a#b", "[::1", "a:123456", "a:b", "caf\u00e9"])(
    "host %j is refused",
    (host) => {
      expect(readHeaders(["host", host])).toEqual({ kind: "refused", reason: "header_ambiguous" });
    },
  );

  test("no host is refused", () => {
    expect(readHeaders([])).toEqual({ kind: "refused", reason: "header_ambiguous" });
  });

  test.each(["A.example", "a:80", "127.0.0.1:8080", "[::1]", "[::1]:80"])("host %j is taken as it is", (host) => {
    expect(readHeaders(["HOST", host])).toMatchObject({ authority: host, lines: [] });
  });

  test("too many are refused, not left out", () => {
    const many = Array.from({ length: 100 }, (_, at) => [`x-${at}`, "1"]).flat();
    expect(read(...many)).toEqual({ kind: "refused", reason: "headers_too_many" });
    expect(linesOf(...many.slice(2))).toHaveLength(99);
  });

  test("duplicates stay apart and in order, names in lower case, values as they are", () => {
    expect(linesOf("X-A", "1", "x-b", " \u00e9", "x-a", "2")).toEqual([
      ["x-a", "1"],
      ["x-b", " \u00e9"],
      ["x-a", "2"],
    ]);
  });

  test("what speaks of the connection is not forwarded", () => {
    const flat = [
      "Connection",
      "Keep-Alive, TE",
      "keep-alive",
      "5",
      "te",
      "trailers",
      "trailer",
      "x",
      "Proxy-Connection",
      "a",
    ];
    expect(linesOf(...flat, "upgrade", "foo", "expect", "100-continue", "x-a", "1")).toEqual([["x-a", "1"]]);
  });

  const identity = [
    "countersign-subject",
    "countersign-issuer",
    "countersign-decision-id",
    "countersign-grant-id",
    "countersign-anything",
  ];
  const others = ["x-http-method", "x-http-method-override", "x-method-override", "x-original-url", "x-rewrite-url"];
  const envoy = ["x-forwarded-uri", "x-envoy-original-path", "x-envoy-retry-on", "x-envoy-auth-partial-body"];
  const hosts = ["host", "port", "scheme", "ssl", "server", "prefix", "path"].map((part) => `x-forwarded-${part}`);
  const spelt = [
    ...identity,
    ...others,
    ...envoy,
    ...hosts,
    "x-host",
    "x-original-host",
    "x-request-id",
    "x-forwarded-proto",
    "x-forwarded-client-cert",
  ].flatMap((name) =>
    [".", "~", "!", "'", "+", "|", "-"].flatMap((mark) => [
      name.replaceAll("-", mark),
      name.replace("-", mark).toUpperCase(),
    ]),
  );

  test("what a client may not say is dropped in every spelling", () => {
    expect(spelt.length).toBeGreaterThan(200);
    for (const name of spelt) expect({ name, lines: linesOf(name, "spoofed") }).toEqual({ name, lines: [] });
    expect(linesOf("Forwarded", "host=other")).toEqual([]);
  });

  test("the reason is the client's own, in its own spelling only", () => {
    expect(linesOf("Countersign-Reason", "because", "countersign.reason", "no")).toEqual([
      ["countersign-reason", "because"],
    ]);
  });

  test("claimed addresses are kept for those who trust a proxy, in their own spelling only", () => {
    const others = ["x.forwarded.for", "6.6.6.6", "x.forwarded-for", "7.7.7.7", "x-forwarded.for", "8.8.8.8"];
    expect(linesOf("X-Forwarded-For", "1.2.3.4", ...others)).toEqual([["x-forwarded-for", "1.2.3.4"]]);
  });
});

describe("framing", () => {
  test.each([
    ["two lengths", ["content-length", "1", "content-length", "1"]],
    ["a list of lengths", ["content-length", "1, 1"]],
    ["a signed length", ["content-length", "+1"]],
    ["an empty length", ["content-length", ""]],
    ["a length with a leading zero", ["content-length", "013"]],
    ["a length beyond exact numbers", ["content-length", "9999999999999999"]],
    ["length and chunking", ["content-length", "1", "transfer-encoding", "chunked"]],
    ["chunking twice", ["transfer-encoding", "chunked", "transfer-encoding", "chunked"]],
  ])("%s is refused", (_, flat) => {
    expect(read(...flat)).toEqual({ kind: "refused", reason: "framing_ambiguous" });
  });

  test.each(["identity", "gzip, chunked", "chunked, identity", "xchunked", ""])(
    "encoding %j is refused",
    (encoding) => {
      expect(read("transfer-encoding", encoding)).toEqual({ kind: "refused", reason: "encoding_unsupported" });
    },
  );

  test.each([
    [[], { kind: "none" }],
    [["content-length", "0"], { kind: "length", bytes: 0 }],
    [["Content-Length", "12"], { kind: "length", bytes: 12 }],
    [["Transfer-Encoding", "Chunked"], { kind: "chunked" }],
  ])("%j is %j", (flat, framing) => {
    expect(read(...flat)).toMatchObject({ framing });
  });
});

describe("an upgrade", () => {
  test.each([
    [["upgrade", "websocket"], undefined],
    [["connection", "upgrade"], undefined],
    [["connection", "Upgrade, HTTP2-Settings", "upgrade", "h2c", "http2-settings", "x"], undefined],
    [["connection", "keep-alive, Upgrade", "upgrade", "WebSocket"], "websocket"],
    [["connection", "upgrade", "upgrade", "h2c, websocket"], "h2c,websocket"],
    [["connection", "upgrade", "upgrade", "h2c", "upgrade", "websocket"], "h2c,websocket"],
  ])("%j wants %j", (flat, upgrade) => {
    const headers = read(...flat);
    expect(headers.kind === "readable" && headers.upgrade).toBe(upgrade);
  });
});
