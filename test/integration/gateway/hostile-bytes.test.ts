/**
 * Requests with bytes put in, taken out and repeated at any place: whatever arrives at the gateway, it stays up, and what the
 * upstream got is what the policy saw. The seed is printed when it fails; each round asks once more for a plain request.
 */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { type RunningGateway, startGatewayProcess } from "../../harness/gateway.ts";
import { type RawAnswer, rawRequest, sendRaw } from "../../harness/raw-http.ts";
import { type RecordingAuthorization, startRecordingAuthorization } from "../../harness/recording-authorization.ts";
import { type RecordingUpstream, startRecordingUpstream } from "../../harness/recording-upstream.ts";
import { expectConsistent } from "../expect-consistent.ts";

/** A request that was cut short is waited for by any server; nobody has to wait for that here. */
const PATIENCE_MS = 150;
const MARK = "/mark";
const SMUGGLED = "GET /admin HTTP/1.1\r\nhost: orders.example\r\n\r\n";

let authorization: RecordingAuthorization;
let upstream: RecordingUpstream;
let gateway: RunningGateway;

beforeAll(async () => {
  authorization = await startRecordingAuthorization();
  upstream = await startRecordingUpstream();
  gateway = await startGatewayProcess({ authorization: authorization.port, upstream: upstream.port });
});

afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await upstream?.[Symbol.asyncDispose]();
  await authorization?.[Symbol.asyncDispose]();
});

const bases = [
  rawRequest("GET", "/orders/42?a=b", ["x-user: sam", "cookie: a=1"]),
  rawRequest("POST", "/refunds", ["content-type: application/json"], Buffer.from('{"amount":40}')),
  rawRequest("POST", "/reports", ["transfer-encoding: chunked"], Buffer.from("3\r\nabc\r\n0\r\n\r\n")),
  rawRequest("POST", "/refunds", ["transfer-encoding: chunked"], Buffer.from(`0\r\n\r\n${SMUGGLED}`)),
  rawRequest("POST", "/reports", ["content-length: 3"], Buffer.from(`abc${SMUGGLED}`)),
  rawRequest("GET", "/orders", ["connection: upgrade", "upgrade: websocket"], Buffer.from(SMUGGLED)),
];
const pieces = [
  ...[
    "a",
    "x-a: 1\r\n",
    "x-a:\r\n",
    "cookie: b=2\r\n",
    "x-\xe9: 1\r\n",
    "x-b: \xe9\r\n",
    "te: trailers\r\n",
    "%41",
    "&c=d",
  ],
  ...[
    "\r",
    "\n",
    "\r\n",
    "\r\n ",
    "\r\n\t",
    "\r\n\r\n",
    "\0",
    "\x0b",
    "\x7f",
    "\x80",
    "\xff",
    " ",
    "\t",
    ":",
    ",",
    ";",
    "/",
    "//",
    "\\",
  ],
  ...[
    "..",
    "/../",
    "%2e",
    "%2f",
    "%00",
    "#",
    "?",
    "_",
    "0",
    "-1",
    "HTTP/1.1",
    "HTTP/1.0",
    "http://other.example",
    SMUGGLED,
  ],
  ...[
    "content-length: 1\r\n",
    "content-length: 0\r\n",
    "transfer-encoding: chunked\r\n",
    "transfer-encoding: identity\r\n",
  ],
  ...[
    "host: other\r\n",
    "connection: x-user\r\n",
    "countersign-subject: root\r\n",
    "expect: 100-continue\r\n",
    "upgrade: h2c\r\n",
  ],
];
const change = fc.record({
  at: fc.noBias(fc.integer({ min: 0, max: 999 })),
  /** Between two lines, where a header fits. */
  atLine: fc.boolean(),
  drop: fc.constantFrom(0, 0, 0, 1, 2, 10),
  insert: fc.constantFrom("", ...pieces),
});

type Change = { readonly at: number; readonly atLine: boolean; readonly drop: number; readonly insert: string };

function changed(base: Buffer, changes: readonly Change[]): Buffer {
  return changes.reduce((bytes, { at, atLine, drop, insert }) => {
    const anywhere = Math.floor((at * bytes.length) / 1_000);
    const index = atLine ? bytes.indexOf("\r\n", anywhere) + 2 : anywhere;
    return Buffer.concat([bytes.subarray(0, index), Buffer.from(insert, "latin1"), bytes.subarray(index + drop)]);
  }, base);
}

async function sent(bytes: Buffer): Promise<RawAnswer> {
  const answer = await sendRaw(gateway.port, bytes, PATIENCE_MS).catch(() => ({ status: 0, text: "" }));
  if (answer.status < 200) await untilSettled();
  return answer;
}

/** What was given up may still be on its way: it is told apart from the next one by two requests that come behind it. */
async function untilSettled(): Promise<void> {
  for (let count = 0; count < 2; count += 1) {
    expect((await sendRaw(gateway.port, rawRequest("GET", MARK, []))).status).toBe(200);
  }
  drop(authorization.seen, ({ attributes }) => attributes?.request?.http?.path === MARK);
  drop(upstream.received, ({ url }) => url === MARK);
}

function drop<T>(from: T[], isDropped: (one: T) => boolean): void {
  from.splice(0, from.length, ...from.filter((one) => !isDropped(one)));
}

test("whatever the bytes, what the upstream got is what the policy saw", async () => {
  let forwarded = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...bases),
      fc.array(change, { minLength: 1, maxLength: 3 }),
      async (base, changes) => {
        authorization.seen.length = 0;
        upstream.received.length = 0;
        const bytes = changed(base, changes);
        const answer = await sent(bytes);
        const got = [...upstream.received];
        forwarded += got.length;
        // A second request in the same bytes is one of its own, and was asked about as well.
        expect(authorization.seen.length).toBeGreaterThanOrEqual(got.length);
        for (const [at, received] of got.entries()) {
          expect(authorization.seen.map(({ attributes }) => attributes?.request?.http?.path)).toContain(received.url);
          if (got.length > 1 || authorization.seen.length > 1) continue;
          expectConsistent(answer, { authorization, upstream }, { bytes });
          expect(at).toBe(0);
        }
        const forged = got.flatMap(({ rawHeaders }) =>
          rawHeaders.filter((name) => /^countersign[^a-z0-9]/i.test(name)),
        );
        expect(forged).toEqual([]);
      },
    ),
    { numRuns: 2_500 },
  );
  expect(forwarded).toBeGreaterThan(100);
  upstream.received.length = 0;
  expect((await sendRaw(gateway.port, rawRequest("GET", "/orders/the-last", []))).status).toBe(200);
  expect(upstream.received.map(({ url }) => url)).toEqual(["/orders/the-last"]);
  expect(gateway.lines.filter((line) => line.includes('"event":"fault"'))).toEqual([]);
}, 600_000);
