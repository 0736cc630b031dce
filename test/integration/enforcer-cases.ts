/**
 * What must hold for every enforcer, and the requests that try to break it: what the policy saw is what the upstream got, or
 * the request ended in a refusal and the upstream got nothing. Enforcers may differ in what they refuse, except where a case
 * says so: `be refused` and `be forwarded` bind all of them. Long, because it is a table.
 */
import { rawRequest } from "../harness/raw-http.ts";

export type EnforcerCase = {
  readonly name: string;
  readonly bytes: Buffer;
  /** Default: either, as long as it is consistent. */
  readonly must?: "be refused" | "be forwarded";
};

const HOST = "host: orders.example";
const CLOSE = "connection: close";

function raw(start: string, lines: readonly string[], body = ""): Buffer {
  return Buffer.from(`${[start, ...lines].join("\r\n")}\r\n\r\n${body}`, "latin1");
}

/** Short enough for a test's name. */
const shown = (some: readonly string[]): string =>
  JSON.stringify(some.length > 9 ? `${some.length} lines` : some.map((text) => text.slice(0, 60)));

const targets = (must: EnforcerCase["must"], list: readonly string[]): readonly EnforcerCase[] =>
  list.map((target) => ({
    name: `target ${JSON.stringify(target)}`,
    bytes: rawRequest("GET", target, []),
    ...(must === undefined ? {} : { must }),
  }));

const lines = (must: EnforcerCase["must"], list: readonly (readonly string[])[]): readonly EnforcerCase[] =>
  list.map((some) => ({
    name: `lines ${shown(some)}`,
    bytes: rawRequest("GET", "/orders", some),
    ...(must === undefined ? {} : { must }),
  }));

const framed = (
  must: EnforcerCase["must"],
  list: readonly (readonly [lines: readonly string[], body: string])[],
): readonly EnforcerCase[] =>
  list.flatMap(([some, body]) =>
    ["/refunds", "/reports"].map((target) => ({
      name: `POST ${target} ${shown([...some, body])}`,
      bytes: rawRequest("POST", target, some, Buffer.from(body, "latin1")),
      ...(must === undefined ? {} : { must }),
    })),
  );

const SMUGGLED = "GET /admin HTTP/1.1\r\nhost: orders.example\r\nconnection: close\r\n\r\n";

export const enforcerCases: readonly EnforcerCase[] = [
  ...targets("be forwarded", [
    "/",
    "/orders/42",
    "/orders/42/",
    "/orders?x=/../&y=//a%2f%5c&z=%2e%2e",
    "/orders?filter[a]=b&c={d}",
    "/orders/%C3%A9%20x",
    "/orders/%252e%252e/admin",
    "/orders;v=1/a;b",
    "/orders/a:b@c!$&'()*+,;=",
    "/orders?",
  ]),
  ...targets("be refused", [
    "/orders%2f42",
    "/orders%2F..%2Fadmin",
    "/orders%5c42",
    "/orders%00",
    "/orders#x",
    "/orders?x#/../admin",
    "/orders x",
    "/orders\tx",
    "/orders\0",
    "/orders/\xff",
    "orders",
    "*",
  ]),
  ...targets(undefined, [
    "//admin",
    "/orders//42",
    "///",
    "/orders/../admin",
    "/orders/./42",
    "/orders/.",
    "/orders/..",
    "/../../admin",
    "/orders/%2e%2e/admin",
    "/orders/%2E./admin",
    "/orders/.%2e/admin",
    "/orders/..;/admin",
    "/orders/.;x=1/admin",
    "/orders/%2e%2e;/admin",
    "/orders\\..\\admin",
    "/orders/..\\admin",
    "\\admin",
    "/%6frders/%41%7e",
    "/orders/%zz",
    "/orders/%",
    "/orders/%4",
    "/orders%0a",
    "/orders%0d%0aX:1",
    "/orders%7f",
    '/orders/"<>{}|^`',
    "/orders/[42]",
    "/orders/%ff",
    "/orders/%c0%ae%c0%ae/admin",
    "/orders/%u002e",
    "http://orders.example/orders/1",
    "http://other.example/orders/../admin",
    "https://orders.example/orders",
    "http:/orders",
    "http://orders.example",
    "//orders.example/admin",
  ]),
  ...lines("be forwarded", [
    ["x-a: 1", "x-a: 2", "X-A: 3"],
    ["x-empty:"],
    ["x-space: \t a  b \t"],
    ["cookie: a=1", "cookie: b=2"],
    ["x-latin: caf\xe9"],
    ["x-utf8: caf\xc3\xa9"],
    ["authorization: Bearer a", "authorization: Bearer b"],
    ["x-forwarded-for: 203.0.113.9, 198.51.100.7", "x-forwarded-for: 192.0.2.9"],
    ["x-forwarded-proto: https", "x-request-id: mine"],
    ["keep-alive: timeout=5", "proxy-connection: keep-alive"],
    ["upgrade: websocket"],
    ["countersign-reason: the customer asked"],
    ["countersign.subject: sam"],
    ["x-'!#$%&*+.^`|~name: 1"],
  ]),
  ...lines("be refused", [
    ["countersign_subject: sam"],
    ["x_user: sam"],
    ["__proto__: sam"],
    ["x-a : 1"],
    ["x-a"],
    [": 1"],
    ["x\xe9: 1"],
    ["x-a: 1\x002"],
    ["x-a: 1\x012"],
    [":path: /admin"],
    [":authority: admin"],
    ["upgrade: websocket", "connection: upgrade"],
    ["expect: the-unexpected"],
    Array.from({ length: 150 }, (_, at) => `x-${at}: 1`),
    [`x-long: ${"a".repeat(70_000)}`],
  ]),
  ...lines(undefined, [
    ["x-a: 1", "\t2"],
    ["x-a: 1", " 2"],
    ["x-a: 1\r2"],
    ["x-a: 1\n\r\nGET /admin HTTP/1.1"],
    ["connection: x-user", "x-user: sam"],
    ["connection: authorization", "authorization: Bearer a"],
    ["connection: close, host"],
    ["connection: close, x-forwarded-for", "x-forwarded-for: 203.0.113.9"],
    ["connection: countersign-subject", "countersign-subject: sam"],
    ["connection: content-type", "content-type: application/json"],
    ["te: trailers"],
    ["te: gzip", "connection: te"],
    ["trailer: x-user"],
    ["upgrade: h2c", "connection: upgrade, http2-settings", "http2-settings: AAMAAABkAAQAAP"],
    ["proxy-authorization: Basic eA=="],
    ["x-forwarded-host: admin.example", "forwarded: for=1;host=admin"],
    ["host: admin.example"],
    ["content-length: 0"],
  ]),
  { name: "no host", bytes: raw("GET /orders HTTP/1.1", [CLOSE]), must: "be refused" },
  { name: "a folded host", bytes: raw("GET /orders HTTP/1.1", [HOST, " x-a: 1", CLOSE]) },
  { name: "an empty host", bytes: raw("GET /orders HTTP/1.1", ["host:", CLOSE]) },
  { name: "a host with a user", bytes: raw("GET /orders HTTP/1.1", ["host: a@b", CLOSE]) },
  { name: "a host with a path", bytes: raw("GET /orders HTTP/1.1", ["host: a/b", CLOSE]) },
  { name: "a host with space", bytes: raw("GET /orders HTTP/1.1", ["host: a b", CLOSE]) },
  {
    name: "a host in capitals with a port",
    bytes: raw("GET /orders HTTP/1.1", ["host: A.Example:80", CLOSE]),
    must: "be forwarded",
  },
  { name: "HTTP/1.0", bytes: raw("GET /orders HTTP/1.0", [HOST]), must: "be refused" },
  { name: "HTTP/0.9", bytes: raw("GET /orders", []), must: "be refused" },
  { name: "HTTP/1.2", bytes: raw("GET /orders HTTP/1.2", [HOST, CLOSE]), must: "be refused" },
  { name: "HTTP/2.0 in text", bytes: raw("GET /orders HTTP/2.0", [HOST, CLOSE]), must: "be refused" },
  { name: "lines ended by LF only", bytes: Buffer.from(`GET /orders HTTP/1.1\n${HOST}\n${CLOSE}\n\n`) },
  { name: "CONNECT", bytes: rawRequest("CONNECT", "orders.example:443", []), must: "be refused" },
  { name: "CONNECT of a path", bytes: rawRequest("CONNECT", "/orders", []), must: "be refused" },
  { name: "an unknown method", bytes: rawRequest("STEAL", "/orders", []) },
  { name: "a method in lower case", bytes: rawRequest("get", "/orders", []) },
  { name: "TRACE", bytes: rawRequest("TRACE", "/orders", []) },
  { name: "HEAD", bytes: rawRequest("HEAD", "/orders", []), must: "be forwarded" },
  { name: "OPTIONS *", bytes: rawRequest("OPTIONS", "*", []), must: "be refused" },
  { name: "GET with a body", bytes: rawRequest("GET", "/refunds", [], Buffer.from("{}")), must: "be forwarded" },
  {
    name: "DELETE with a chunked body",
    bytes: rawRequest("DELETE", "/refunds", ["transfer-encoding: chunked"], Buffer.from("2\r\n{}\r\n0\r\n\r\n")),
    must: "be forwarded",
  },
  { name: "POST without a length", bytes: rawRequest("POST", "/refunds", []), must: "be forwarded" },
  {
    name: "a body beyond the buffer",
    bytes: rawRequest("POST", "/refunds", [], Buffer.alloc(65_537, 97)),
    must: "be refused",
  },
  {
    name: "a body that fills the buffer",
    bytes: rawRequest("POST", "/refunds", [], Buffer.alloc(65_536, 97)),
    must: "be forwarded",
  },
  {
    name: "a chunked body beyond the buffer",
    bytes: rawRequest(
      "POST",
      "/refunds",
      ["transfer-encoding: chunked"],
      Buffer.concat([Buffer.from("11171\r\n"), Buffer.alloc(70_001, 97), Buffer.from("\r\n0\r\n\r\n")]),
    ),
    must: "be refused",
  },
  {
    name: "a large body on a route that streams",
    bytes: rawRequest("POST", "/reports", [], Buffer.alloc(300_000, 97)),
    must: "be forwarded",
  },
  {
    name: "a wait for 100 Continue",
    bytes: rawRequest("POST", "/reports", ["expect: 100-continue"], Buffer.from("{}")),
    must: "be forwarded",
  },
  {
    name: "a wait for 100 Continue on a route that buffers",
    bytes: rawRequest("POST", "/refunds", ["expect: 100-continue"], Buffer.from("{}")),
    must: "be forwarded",
  },
  ...framed("be forwarded", [
    [["transfer-encoding: chunked"], "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"],
    [["Transfer-Encoding: Chunked"], "3\r\nabc\r\n0\r\n\r\n"],
    [["transfer-encoding: chunked"], "0\r\n\r\n"],
    [["transfer-encoding: chunked"], "3;a=b\r\nabc\r\n0\r\nx-trailer: 1\r\n\r\n"],
    [["content-length: 0"], ""],
  ]),
  ...framed("be refused", [
    [["content-length: 1", "content-length: 2"], "ab"],
    [["content-length: 2, 3"], "ab"],
    [["content-length: +2"], "ab"],
    [["content-length: -2"], "ab"],
    [["content-length: 0x2"], "ab"],
    [["content-length: 2a"], "ab"],
    [["content-length:"], "ab"],
    [["content-length: 99999999999999999999"], "ab"],
    [["content-length: 4", "transfer-encoding: chunked"], "0\r\n\r\n"],
    [["transfer-encoding: chunked", `content-length: ${SMUGGLED.length}`], `0\r\n\r\n${SMUGGLED}`],
    [["content-length: 5", "transfer-encoding:\x0bchunked"], `0\r\n\r\n${SMUGGLED}`],
    [["transfer-encoding : chunked"], `0\r\n\r\n${SMUGGLED}`],
    [["transfer-encoding: xchunked"], `0\r\n\r\n${SMUGGLED}`],
    [["transfer-encoding: identity"], `0\r\n\r\n${SMUGGLED}`],
    [["transfer-encoding: gzip, chunked"], `0\r\n\r\n${SMUGGLED}`],
    [["transfer-encoding: chunked, identity"], `0\r\n\r\n${SMUGGLED}`],
    [["transfer-encoding: identity", "transfer-encoding: chunked"], `0\r\n\r\n${SMUGGLED}`],
  ]),
  ...framed(undefined, [
    [["content-length: 2", "content-length: 2"], "ab"],
    [["transfer-encoding: chunked", "transfer-encoding: chunked"], "0\r\n\r\n"],
    [["transfer-encoding:\tchunked"], "0\r\n\r\n"],
    [["transfer-encoding: chunked"], "2\r\nabc\r\n0\r\n\r\n"],
    [["transfer-encoding: chunked"], "3 \r\nabc\r\n0\r\n\r\n"],
    [["content-length: 02"], "ab"],
    [["content-length: 2"], `ab${SMUGGLED}`],
  ]),
];

/** A body that is not well-formed: on a route that streams, the upstream may have seen its start, but never a whole request. */
export const brokenBodies: readonly (readonly [name: string, body: string])[] = [
  ["a chunk size that is no number", "zz\r\nabc\r\n0\r\n\r\n"],
  ["a negative chunk size", "-3\r\nabc\r\n0\r\n\r\n"],
  ["a chunk size with 0x", "0x3\r\nabc\r\n0\r\n\r\n"],
  ["a chunk size that overflows", "fffffffffffffffff\r\nabc\r\n0\r\n\r\n"],
  ["no last chunk", "3\r\nabc\r\nx"],
];
