/**
 * The requests of the edge matrix that are HTTP/2: its paths and headers as pseudo-header fields and fields, and what HTTP/2 alone can say: an
 * authority beside a host, a scheme, fields out of their order or twice, names and values that would be lines of their own where an upstream is
 * spoken to in HTTP/1.1.
 */
import type { Http2Fields, Http2Request } from "../../harness/http2-request.ts";
import { headerSets, targets } from "./variants.ts";

export type Http2Variant = Http2Request & { readonly name: string; readonly isCutOff: boolean };
type Pseudo = {
  readonly method?: string;
  readonly scheme?: string;
  readonly authority?: string;
  readonly path?: string;
};

/** As Latin-1, like all that stands here. A request inside a request, for whoever writes it out line by line. */
export const SMUGGLED = "x\r\nx-evil: 1\r\n\r\nGET /evil HTTP/1.1\r\nhost: orders.example\r\n\r\n";
const LINE = "x\r\nx-evil: 1";

export const pathsOfHttp2 = targets.map((path) => get(`:path ${path}`, pseudo({ path })));

const METHOD = [":method", "GET"] as const;
const SCHEME = [":scheme", "http"] as const;
const AUTHORITY = [":authority", "orders.example"] as const;
const PATH = [":path", "/orders/42"] as const;
const ALL = [METHOD, SCHEME, AUTHORITY, PATH] as const;
const AUTHORITIES = [
  ...["", "ORDERS.example", "orders.example:80", "orders.example:443", ":80", "orders.example.", "a@orders.example"],
  ...[
    "orders.example/evil",
    "a b",
    "a, b",
    "\xff",
    "caf\xc3\xa9",
    "[::1]",
    "orders.example#",
    "orders.example?x",
    "a\\b",
  ],
  ...[" orders.example", "orders.example\t", "\x00", "a\nb", LINE, SMUGGLED],
];
const HOSTS = ["orders.example", "evil.example", "ORDERS.example", "", LINE];

/** What stands in the first lines of HTTP/1.1. */
export const pseudoFields = [
  ...AUTHORITIES.flatMap((authority) => [
    get(`:authority ${authority}`, pseudo({ authority })),
    get(`host ${authority} alone`, [METHOD, SCHEME, PATH, ["host", authority]]),
  ]),
  ...HOSTS.flatMap((host) => [
    get(`:authority beside host ${host}`, [...ALL, ["host", host]]),
    get(`:authority beside host ${host}, which comes first`, [["host", host], ...ALL]),
    get(`host evil.example beside host ${host}`, [METHOD, SCHEME, PATH, ["host", "evil.example"], ["host", host]]),
  ]),
  ...["https", "HTTP", "HTTPS", "ftp", "", "http://evil.example/", "http ", "a:b", LINE].map((scheme) =>
    get(`:scheme ${scheme}`, pseudo({ scheme })),
  ),
  ...[
    "",
    "get",
    "GET ",
    " GET",
    "G T",
    "PRI",
    "FOO",
    "HEAD",
    "OPTIONS",
    "DELETE",
    "TRACE",
    "CONNECT",
    "GET\x00",
    "\xff",
  ].map((method) => get(`:method ${method}`, pseudo({ method }))),
  get("SMUGGLED :method", pseudo({ method: "GET / HTTP/1.1\r\nhost: a\r\n\r\nGET" })),
  ...[LINE, SMUGGLED, "/orders/42 HTTP/1.1\r\nx-evil: 1", "/a b", "/\x00", "orders", "*", "?x"].map((path) =>
    get(`:path ${path}`, pseudo({ path })),
  ),
  get("OPTIONS *", pseudo({ method: "OPTIONS", path: "*" })),
  get("CONNECT without :path", [[":method", "CONNECT"], AUTHORITY]),
  get("CONNECT of a WebSocket", [[":method", "CONNECT"], [":protocol", "websocket"], SCHEME, AUTHORITY, PATH]),
  ...ALL.flatMap((one) => [
    get(`no ${one[0]}`, all(one)),
    get(`${one[0]} twice`, [...ALL, one]),
    get(`${one[0]} twice, not alike`, [...ALL, [one[0], other(one[0])]]),
    get(`${one[0]} twice, not alike, the other first`, [[one[0], other(one[0])], ...ALL]),
    get(`${one[0]} behind a field`, [...all(one), ["x-plain", "1"], one]),
    get(`${one[0]} in upper case`, [...all(one), [one[0].toUpperCase(), one[1]]]),
  ]),
  ...[":status", ":protocol", ":x", ":", ":path ", "path:"].map((name) =>
    get(`field ${name}`, [...ALL, [name, "200"]]),
  ),
];

const NAMES = [
  ...[
    "",
    " ",
    "a b",
    "a:b",
    "x-plain:",
    "x-plain ",
    " x-plain",
    "x\tplain",
    "x\x00",
    "x\xff",
    "x\xc3\xa9",
    "x(y",
    "x/y",
    "x.y",
  ],
  ...[
    "x\r\nx-evil",
    "x-evil: 1\r\n\r\nGET /evil HTTP/1.1\r\nhost",
    "X-Plain",
    "Countersign-Subject",
    "X-Envoy-Retry-On",
  ],
  ...[
    "countersign.subject",
    "countersign|grant_id",
    "x.envoy.retry.on",
    "host ",
    "transfer-encoding ",
    "x~y",
    "x|y",
    "*",
  ],
];
const VALUES = [LINE, SMUGGLED, "a\nb", "a\rb", "a\x00b", "\x00", " a", "a ", "\ta", "\x7f", "\x1f", "\x80"];
const OF_THE_HOP: Http2Fields = [
  ...["close", "keep-alive", "x-plain", "upgrade", "", "te, host"].map((value) => ["connection", value] as const),
  ...["chunked", "identity", "gzip, chunked", "Chunked", "", "trailers"].map((v) => ["transfer-encoding", v] as const),
  ...["trailers", "Trailers", "trailers, deflate", "gzip", ""].map((value) => ["te", value] as const),
  ...["h2c", "websocket"].map((value) => ["upgrade", value] as const),
  ...([
    ["http2-settings", "AAMAAABkAAQAAP__"],
    ["keep-alive", "timeout=5"],
    ["proxy-connection", "close"],
  ] as const),
];

export const fieldsOfHttp2 = [
  ...headerSets.map((lines) => withFields(lines.map(parsed))),
  ...NAMES.flatMap((name) => [withFields([[name, "1"]]), withFields([[name, ""]])]),
  ...VALUES.map((value) => withFields([["x-plain", value]])),
  ...OF_THE_HOP.map((one) => withFields([one])),
  ...[
    ["a=1", "b=2"],
    ["a=1", "", "b=2"],
    ["a=1; b=2", "c"],
    ["a=1;", "b=2"],
    ["a=\xff", "b, c"],
    [" ", "a"],
  ].map((crumbs) => withFields(crumbs.map((crumb) => ["cookie", crumb]))),
  withFields([
    ["cookie", "a=1"],
    ["x-plain", "between"],
    ["cookie", "b=2"],
  ]),
  ...["0", "1", "-1", "+0", "00", "0x0", "", "0, 0", "18446744073709551616"].map((v) =>
    withFields([["content-length", v]]),
  ),
  withFields([
    ["content-length", "0"],
    ["content-length", "0"],
  ]),
  withFields([
    ["content-length", "0"],
    ["content-length", "1"],
  ]),
];

/** Of an ordinary request. */
export function pseudo({
  method = "GET",
  scheme = "http",
  authority = "orders.example",
  path = "/orders/42",
}: Pseudo): Http2Fields {
  return [
    [":method", method],
    [":scheme", scheme],
    [":authority", authority],
    [":path", path],
  ];
}

/** All but one. */
function all(without: readonly [string, string]): Http2Fields {
  return ALL.filter((one) => one !== without);
}

function other(name: string): string {
  return (
    new Map([
      [":method", "DELETE"],
      [":scheme", "https"],
      [":authority", "evil.example"],
    ]).get(name) ?? "/evil"
  );
}

function parsed(line: string): readonly [string, string] {
  const at = line.indexOf(":");
  return [line.slice(0, at), line.slice(at + 1).replace(/^ /, "")];
}

function withFields(fields: Http2Fields): Http2Variant {
  return get(JSON.stringify(fields), [...pseudo({}), ...fields]);
}

function get(name: string, fields: Http2Fields): Http2Variant {
  return { name: name.length > 80 ? `${name.slice(0, 80)}…` : name, fields, data: [], ends: "end", isCutOff: false };
}
