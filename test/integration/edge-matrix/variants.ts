/**
 * The requests of the edge matrix, made from tables: every strange piece of a path in every place of one, every name of a header with every
 * value, every body in every framing. Unlike enforcer-cases.ts nothing is said of what an enforcer has to refuse.
 */
import { gzipSync } from "node:zlib";
import { rawRequest } from "../../harness/raw-http.ts";

/** `isCutOff`: more is announced than comes, so it is no whole request. */
export type Variant = { readonly name: string; readonly bytes: Buffer; readonly isCutOff: boolean };

/** As Latin-1: what stands here is what is sent, byte by byte. */
const PIECES = [
  ...[
    "",
    "x",
    ".",
    "..",
    "/",
    "//",
    "///",
    "/./",
    "/../",
    "/../../",
    "%2e",
    "%2e%2e",
    "/%2e%2e/",
    "%252e%252e",
    "..;",
    "..%2f",
  ],
  ...[
    "%2f",
    "%2F",
    "%5c",
    "%5C",
    "\\",
    "\\..\\",
    ";",
    ";a=b",
    "#",
    "#x",
    "%23",
    "?",
    "%3f",
    "%3F",
    "&",
    "=",
    "+",
    "%20",
    "%00",
    "%01",
  ],
  ...[
    "%0a",
    "%0d%0a",
    "%7f",
    "%ff",
    "%c0%af",
    "%c3%a9",
    "\xc3\xa9",
    "\xff",
    "%",
    "%z",
    "%zz",
    "%u002e",
    "*",
    "@",
    "~",
    ":",
    "|",
    "^",
  ],
  ...["[", "]", "{", "}", "`", '"', "<", ">", "'", "!", "$", "\t", "\x7f", "a".repeat(2_000)],
] as const;
const PLACES: readonly ((piece: string) => string)[] = [
  (piece) => `/orders${piece}42`,
  (piece) => `/orders/${piece}`,
  (piece) => `/${piece}/orders/42`,
  (piece) => `/${piece}orders`,
  (piece) => `/orders/42?x=${piece}`,
  (piece) => `/orders/42?${piece}=1`,
  (piece) => `/reports/${piece}/../orders/42`,
  (piece) => `//${piece}`,
  (piece) => `http://orders.example/${piece}`,
];

export const targets: readonly string[] = PLACES.flatMap((place) => PIECES.map(place));
export const pathVariants = targets.map((target) => variant(`GET ${target}`, rawRequest("GET", target, [])));

const NAMES = [
  ...[
    "x-plain",
    "X-Mixed-Case",
    "x_underscore",
    "countersign_subject",
    "countersign-subject",
    "Countersign-Decision-Id",
  ],
  ...[
    "__proto__",
    "constructor",
    "hasOwnProperty",
    "toString",
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
  ],
  ...["upgrade", "proxy-authorization", "expect", "authorization", "cookie", "x-forwarded-for"],
];
/** Of Envoy's own, which it reads, writes, removes or passes on; and one that it does not know. */
const OF_ENVOY = [
  ...["auth-partial-body", "internal", "external-address", "original-path"],
  ...["decorator-operation", "retry-on", "upstream-rq-timeout-ms", "force-trace"],
].map((part) => `x-envoy-${part}`);
const MORE_OF_ENVOY = [
  ...["expected-rq-timeout-ms", "original-url", "original-host", "original-method", "original-dst-host", "ip-tags"],
  ...["downstream-service-cluster", "downstream-service-node", "attempt-count", "is-timeout-retry"],
  ...["retry-grpc-on", "max-retries", "hedge-on-per-try-timeout", "retriable-status-codes", "retriable-header-names"],
  ...["upstream-rq-per-try-timeout-ms", "upstream-rq-timeout-alt-response", "upstream-stream-duration-ms"],
  ...["upstream-alt-stat-name", "upstream-service-time", "upstream-canary", "upstream-healthchecked-cluster"],
  ...["immediate-health-check-fail", "degraded", "overloaded", "local-overloaded", "ratelimited", "not-forwarded"],
  ...["cluster", "peer-metadata", "peer-metadata-id", "fault-abort-request", "fault-delay-request", "of-nobody"],
  // An upstream could take another spelling for the same name.
  ...["retry.on", "internal|"],
].map((part) => `x-envoy-${part}`);
const VALUES = [
  "plain",
  "",
  "a, b",
  "  blanks  ",
  "x-plain",
  "caf\xe9",
  "\xff\xfe",
  "\xc3\xa9",
  "\x01",
  "a\tb",
  "v".repeat(4_000),
];

/** The lines of each request. */
export const headerSets: readonly (readonly string[])[] = [
  ...[...NAMES, ...OF_ENVOY].flatMap((name) => [
    ...VALUES.map((value) => [`${name}: ${value}`]),
    [`${name}: one`, `${name}: two`],
    [`${name}: one`, `${name.toUpperCase()}: one`, `${name}:`],
    [`connection: ${name}`, `${name}: hop`],
  ]),
  // Values that mean something there, of a client that Envoy could take for one of its own network, and of one that it could not.
  ...[...OF_ENVOY, ...MORE_OF_ENVOY].flatMap((name) =>
    ["true", "false", "1", "203.0.113.9"].flatMap((value) => [
      [`${name}: ${value}`],
      [`${name}: ${value}`, "x-forwarded-for: 203.0.113.7"],
    ]),
  ),
];
export const headerVariants = headerSets.map(lines);

export const LIMIT = 65_536;
export const SIZES = [0, 1, 2, 1_023, LIMIT - 1, LIMIT, LIMIT + 1, 2 * LIMIT];
export const ROUTES = ["/refunds", "/reports"];
/** Of which a policy sees what they say. */
export const READ: readonly (readonly [type: string, body: string])[] = [
  ["application/json", '{"order":"42","amount":40.10,"note":"caf\u00e9 \\u0000 \\ud83d\\udca3"}'],
  ["Application/JSON; charset=utf-8", '{"order":9007199254740993}'],
  ["application/json", '{"amount":40,"amount":4000}'],
  ["application/json", '{"__proto__":{"amount":1},"constructor":2}'],
  ["application/json", '["a",{"b":null},true,-0,1e3]'],
  ["application/json", '{"amount":'],
  ["application/json", " "],
  ["application/x-www-form-urlencoded", "a=1&a=2&b=%20+%c3%a9&=&c"],
  ["application/x-www-form-urlencoded", "a=1;b=2"],
];

export const bodyVariants: readonly Variant[] = ROUTES.flatMap((target) => [
  ...SIZES.flatMap((size) => {
    const body = Buffer.alloc(size, "x");
    const zipped = gzipSync(Buffer.alloc(size, "y"));
    return [
      sent(target, `${size} bytes`, [`content-length: ${size}`], body),
      sent(target, `${size} bytes in one chunk`, ["transfer-encoding: chunked"], chunked(body, size)),
      sent(target, `${size} bytes in chunks of 1,000`, ["transfer-encoding: chunked"], chunked(body, 1_000)),
      sent(target, `${size} bytes compressed`, ["content-encoding: gzip", `content-length: ${zipped.length}`], zipped),
      sent(target, `${size} bytes without a length`, [], body),
    ];
  }),
  ...[Buffer.from([0xff, 0xfe, 0x00]), Buffer.from("\u00e9\u{1F4A3}")].map((body) =>
    sent(target, `the bytes ${body.toString("hex")}`, [`content-length: ${body.length}`], body),
  ),
  ...READ.map(([type, text]) => {
    const body = Buffer.from(text);
    return sent(target, `${type}: ${text}`, [`content-type: ${type}`, `content-length: ${body.length}`], body);
  }),
  ...["true", "false"].map((value) =>
    sent(
      target,
      `said to be cut: ${value}`,
      [`x-envoy-auth-partial-body: ${value}`, "content-length: 1"],
      Buffer.from("x"),
    ),
  ),
  ...[1, 100, LIMIT].map((missing) =>
    cutOff(target, `${missing} bytes before its end`, `content-length: ${10 + missing}`, "z".repeat(10)),
  ),
  cutOff(target, "inside a chunk", "transfer-encoding: chunked", "a\r\nabc"),
  cutOff(target, "before the last chunk", "transfer-encoding: chunked", "3\r\nabc\r\n"),
]);

function variant(name: string, bytes: Buffer): Variant {
  return { name: name.length > 80 ? `${name.slice(0, 80)}…` : name, bytes, isCutOff: false };
}

function lines(some: readonly string[]): Variant {
  return variant(JSON.stringify(some), rawRequest("GET", "/orders/42", some));
}

/** Written out, since a request without a length and one that is cut off are made by no writer. */
function sent(target: string, what: string, some: readonly string[], body: Uint8Array): Variant {
  const head = [`POST ${target} HTTP/1.1`, "host: orders.example", "connection: close", ...some].join("\r\n");
  const bytes = Buffer.concat([Buffer.from(`${head}\r\n\r\n`), body]);
  return { name: `POST ${target}: ${what}`, bytes, isCutOff: false };
}

function cutOff(target: string, what: string, line: string, body: string): Variant {
  return { ...sent(target, `cut off ${what}`, [line], Buffer.from(body)), isCutOff: true };
}

function chunked(body: Buffer, size: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; at += size) {
    const part = body.subarray(at, at + size);
    parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from("\r\n"));
  }
  return Buffer.concat([...parts, Buffer.from("0\r\n\r\n")]);
}
