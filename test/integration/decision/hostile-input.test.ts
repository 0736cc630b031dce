/**
 * Hostile input at the gRPC edge, against the decision service as a process of its own, as in production: bytes, frames,
 * tokens, and a policy that answers nonsense. Each ends in an explicit deny or a gRPC error, never in an allow, and after
 * each of them the same process still allows an honest check. Kafka and the approval service are not there: they play no
 * part in any of this. Long, because it is the list.
 */
import { createHmac, generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { status } from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  AuthorizationService,
  CheckRequest,
  CheckResponse,
} from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { type FrameAnswer, type FrameCall, frame, sendFrames } from "../../harness/grpc-frames.ts";
import { checkOf } from "./ask-check.ts";
import { hasOpa, makeBundle } from "../../harness/made-bundle.ts";
import type { Decision } from "../../harness/system/decision.ts";
import {
  claims,
  type Forged,
  honestKey,
  ISSUER,
  nowSeconds,
  part,
  SOFT_LIMIT,
  startLoneDecision,
  token,
} from "./lone-decision.ts";

const CHECK = AuthorizationService.check.path;
const MAX_HELD_BYTES = 512 * 1024 * 1024;

const strangeKey = generateKeyPairSync("ed25519");

let folder: string;
let service: Decision;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "hostile-"));
  service = await startLoneDecision({ folder, name: "decision" });
}, 60_000);
afterAll(async () => {
  await service.kill();
  await rm(folder, { recursive: true, force: true });
});

/** A check of this path by these `authorization` values, encoded. */
function check(path: string, authorization: readonly string[]): Buffer {
  return Buffer.from(CheckRequest.encode(checkOf(path, authorization)).finish());
}

const ask = (body: Buffer, call: Partial<FrameCall> = {}) => sendFrames(service.port, { path: CHECK, body, ...call });
const honest = () => check("/orders/42", [`Bearer ${token()}`]);

/** What a check came to: `allow`, the reasons of an explicit deny, a gRPC status, or no answer at all. */
function outcomeOf({ grpcStatus, message, httpStatus }: FrameAnswer): string {
  if (message === undefined)
    return grpcStatus === undefined ? (httpStatus ?? "none").toString() : `grpc ${status[Number(grpcStatus)]}`;
  const response = CheckResponse.decode(message);
  if (response.status?.code === status.OK || response.httpResponse?.$case === "okResponse") return "allow";
  if (response.httpResponse?.$case !== "deniedResponse") throw new Error("neither an allow nor an HTTP denial");
  const { value } = response.httpResponse;
  const body: unknown = JSON.parse(value.body);
  if (typeof body !== "object" || body === null || !("reasons" in body)) throw new Error(`no problem: ${value.body}`);
  return `${value.status?.code} ${String(body.reasons)}`;
}

const outcome = async (body: Buffer, call: Partial<FrameCall> = {}) => outcomeOf(await ask(body, call));

/** The value on the line of the service's own metrics that begins so. */
async function metric(begin: string): Promise<number> {
  const text = await (await fetch(`${service.opsUrl}/metrics`)).text();
  return Number(
    text
      .split("\n")
      .find((line) => line.startsWith(`${begin} `))
      ?.slice(begin.length) ?? Number.NaN,
  );
}

afterEach(async () => {
  expect(service.isRunning()).toBe(true);
  expect(await outcome(frame(honest()))).toBe("allow");
});

describe("bytes that are no CheckRequest are denied", () => {
  test.each<[string, Buffer]>([
    ["none at all", Buffer.alloc(0)],
    ["no field", Buffer.from([0xff, 0xff, 0xff])],
    ["a field that is longer than the message", Buffer.from([0x0a, 0x7f, 0x01])],
    ["the number of a varint that never ends", Buffer.alloc(64, 0x80)],
    ["text", Buffer.from("GET / HTTP/1.1")],
    ["groups nested 10,000 deep", Buffer.alloc(10_000, 0x0b)],
    ["more than a message may have", Buffer.alloc(SOFT_LIMIT + 1)],
  ])("%s", async (_what, bytes) => {
    expect(await outcome(frame(bytes))).toBe("400 request_parse_error");
  });

  test("an honest check cut off anywhere", async () => {
    const whole = honest();
    for (let length = 0; length < whole.length; length += 7) {
      expect(await outcome(frame(whole.subarray(0, length)))).toMatch(/^400 /);
    }
  });

  test("an honest check with any one byte of its token changed", async () => {
    const text = token();
    const whole = check("/orders/42", [`Bearer ${text}`]);
    const begin = whole.indexOf(text);
    const within = fc.integer({ min: begin, max: begin + text.length - 1 });
    const changes = fc.tuple(within, fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(changes, async ([at, xor]) => {
        const changed = Buffer.from(whole);
        changed[at] = (changed[at] ?? 0) ^ xor;
        expect(await outcome(frame(changed))).toMatch(/^(400|401) /);
      }),
      { numRuns: 200 },
    );
  });

  test("random bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), async (bytes) => {
        expect(await outcome(frame(bytes))).toMatch(/^(400|401|403) /);
      }),
      { numRuns: 300 },
    );
  });
});

describe("calls that are none are gRPC errors", () => {
  test.each<[string, string, () => Partial<FrameCall> & { readonly body: Buffer }]>([
    ["a frame that ends before its length", "UNIMPLEMENTED", () => ({ body: frame(honest(), { length: 5_000 }) })],
    ["half a frame's prefix", "UNIMPLEMENTED", () => ({ body: Buffer.alloc(3) })],
    ["no frame", "UNIMPLEMENTED", () => ({ body: Buffer.alloc(0) })],
    ["two frames", "UNIMPLEMENTED", () => ({ body: Buffer.concat([frame(honest()), frame(honest())]) })],
    ["a frame of 4 GiB, as it says", "RESOURCE_EXHAUSTED", () => ({ body: frame(honest(), { length: 0xffff_ffff }) })],
    ["a frame beyond the hard limit", "RESOURCE_EXHAUSTED", () => ({ body: frame(Buffer.alloc(4 * SOFT_LIMIT + 1)) })],
    ["an encoding that nobody knows", "UNIMPLEMENTED", () => compressed(honest(), "br")],
    ["bytes that do not unpack", "INTERNAL", () => compressed(Buffer.from("garbage"), "gzip")],
    [
      "200 MiB packed into 200 KiB",
      "RESOURCE_EXHAUSTED",
      () => compressed(gzipSync(Buffer.alloc(200 * 2 ** 20)), "gzip"),
    ],
    ["a timeout that is no time", "INTERNAL", () => ({ body: frame(honest()), headers: { "grpc-timeout": "soon" } })],
    ["another method", "UNIMPLEMENTED", () => ({ body: frame(honest()), path: CHECK.replace(/Check$/, "Allow") })],
    [
      "another version of the service",
      "UNIMPLEMENTED",
      () => ({ body: frame(honest()), path: CHECK.replace("v3", "v2") }),
    ],
    ["a path in other letters", "UNIMPLEMENTED", () => ({ body: frame(honest()), path: CHECK.toLowerCase() })],
    ["a path with two slashes", "UNIMPLEMENTED", () => ({ body: frame(honest()), path: `/${CHECK}` })],
    ["a path into the prototype", "UNIMPLEMENTED", () => ({ body: frame(honest()), path: "/__proto__/constructor" })],
    ["GET", "UNIMPLEMENTED", () => ({ body: Buffer.alloc(0), headers: { ":method": "GET" } })],
  ])("%s: %s", async (_what, expected, call) => {
    const { body, ...rest } = call();
    expect(await outcome(body, rest)).toBe(`grpc ${expected}`);
  });

  test("JSON is 415, a path without a slash and a stream that is given up are not answered", async () => {
    expect(await outcome(Buffer.from("{}"), { headers: { "content-type": "application/json" } })).toBe("415");
    expect(await outcome(frame(honest()), { path: CHECK.slice(1) })).toBe("none");
    expect(await outcome(frame(honest()), { reset: true })).toBe("none");
  });

  test("a deadline that has passed is denied in so many words, or DEADLINE_EXCEEDED where the call took that long to arrive", async () => {
    const late = () => outcome(frame(honest()), { headers: { "grpc-timeout": "1n" } });
    const outcomes = await Promise.all(Array.from({ length: 20 }, late));
    expect(outcomes.filter((one) => one !== "grpc DEADLINE_EXCEEDED" && one !== "503 deadline_exceeded")).toEqual([]);
  });

  test("bytes that are no HTTP/2, and connections given up halfway", async () => {
    const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    const junk = [
      Buffer.from("GET / HTTP/1.1\r\nhost: x\r\n\r\n"),
      Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]), // a TLS ClientHello
      Buffer.concat([preface, Buffer.alloc(4_096, 0xff)]),
      Buffer.concat([preface, Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]), Buffer.from([0xff])]),
      Buffer.alloc(65_536, 0x41),
    ];
    for (const bytes of junk) await sendAndHangUp(bytes);
  });

  test("200 streams opened and reset at once, and 200 garbage calls, leave nothing behind", async () => {
    const before = await metric("process_resident_memory_bytes");
    const calls = Array.from({ length: 200 }, (_, at) =>
      ask(frame(at % 2 ? honest() : Buffer.alloc(50_000, 0xff)), { reset: at % 2 === 1 }),
    );
    const outcomes = (await Promise.all(calls)).map(outcomeOf);
    expect(new Set(outcomes)).toEqual(new Set(["none", "400 request_parse_error"]));
    expect((await metric("process_resident_memory_bytes")) - before).toBeLessThan(MAX_HELD_BYTES);
  });
});

function compressed(bytes: Buffer, encoding: string) {
  return { body: frame(bytes, { flag: 1 }), headers: { "grpc-encoding": encoding } };
}

function sendAndHangUp(bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect(service.port, "127.0.0.1", () => socket.end(bytes));
    socket.on("error", () => {});
    socket.on("close", () => resolve());
    socket.resume();
  });
}

describe("tokens that are not to be believed are 401, each with its reason", () => {
  const bearer = (forged: Partial<Forged>) => [`Bearer ${token(forged)}`];
  const publicPem = honestKey.publicKey.export({ type: "spki", format: "pem" });
  const byPublicKey = (input: string) => createHmac("sha256", publicPem).update(input).digest("base64url");

  test.each<[string, string, () => readonly string[]]>([
    ["expired", "credential_expired", () => bearer({ payload: claims({ exp: nowSeconds() - 60 }) })],
    ["not valid yet", "credential_not_yet_valid", () => bearer({ payload: claims({ nbf: nowSeconds() + 600 }) })],
    ["for another audience", "credential_audience_wrong", () => bearer({ payload: claims({ aud: "refunds" }) })],
    ["for no audience", "credential_audience_wrong", () => bearer({ payload: claims({ aud: undefined }) })],
    ["of another issuer", "credential_issuer_unknown", () => bearer({ payload: claims({ iss: `${ISSUER}/` }) })],
    ["without an end", "credential_claims_invalid", () => bearer({ payload: claims({ exp: undefined }) })],
    ["without a subject", "credential_claims_invalid", () => bearer({ payload: claims({ sub: "" }) })],
    ["alg none, unsigned", "credential_malformed", () => bearer({ header: { alg: "none" }, signature: () => "" })],
    [
      "alg none, with the signature of another",
      "credential_algorithm_refused",
      () => bearer({ header: { alg: "none" } }),
    ],
    [
      "HS256 by the public key",
      "credential_algorithm_refused",
      () => bearer({ header: { alg: "HS256" }, signature: byPublicKey }),
    ],
    [
      "signed by another key under our key id",
      "credential_signature_invalid",
      () => bearer({ key: strangeKey.privateKey }),
    ],
    [
      "by a key id that nobody has",
      "credential_key_unknown",
      () => bearer({ header: { kid: "strange" }, key: strangeKey.privateKey }),
    ],
    [
      "with its own key in the header",
      "credential_signature_invalid",
      () => {
        const jwk = strangeKey.publicKey.export({ format: "jwk" });
        return bearer({ header: { jwk, jku: "https://evil.example/keys" }, key: strangeKey.privateKey });
      },
    ],
    [
      "with claims of another token",
      "credential_signature_invalid",
      () => {
        const [head, , signature] = token().split(".");
        return [`Bearer ${head}.${part(claims({ sub: "root" }))}.${signature}`];
      },
    ],
    ["whose claims are no object", "credential_malformed", () => bearer({ payload: "[]" })],
    ["cut off", "credential_malformed", () => [`Bearer ${token().slice(0, 40)}`]],
    ["of 20 KiB", "credential_malformed", () => bearer({ payload: claims({ padding: "x".repeat(20_000) }) })],
    ["an empty header", "credential_malformed", () => [""]],
    ["no token behind the scheme", "credential_malformed", () => ["Bearer "]],
    ["another scheme", "credential_malformed", () => ["Basic ZGFuYTpkYW5h"]],
    ["two headers", "credential_malformed", () => [`Bearer ${token()}`, `Bearer ${token()}`]],
    ["two tokens in one header", "credential_malformed", () => [`Bearer ${token()}, Bearer ${token()}`]],
  ])("%s: %s", async (_what, reason, authorization) => {
    expect(await outcome(frame(check("/orders/42", authorization())))).toBe(`401 ${reason}`);
  });

  test("and none at all is anonymous, which no policy allows", async () => {
    expect(await outcome(frame(check("/orders/42", [])))).toBe("403 no_rule_matched");
  });
});

/** An answer by path, and one honest answer; what stands in `results` is in no way checked by this policy. */
const NONSENSE = `package countersign

asked := input.parsed_path[0]

decision := data.results[asked] if not asked in {"conflict", "memory", "slow", "builtin"}

decision := data.results.honest if asked == "conflict"

decision := data.results[""] if asked == "conflict"

decision := object.union(data.results.honest, {"reasons": [sprintf("%d", [count(numbers.range(1, 100000000))])]}) if asked == "memory"

decision := data.results.honest if {
	asked == "slow"
	count([1 | data.many[_] == data.others[_]]) == 0
}

decision := data.results.honest if {
	asked == "builtin"
	not time.parse_rfc3339_ns(asked) > 0
}
`;
const APPROVAL = `package countersign.approval

route := {}

may_review := {}
`;

const ALLOW = { outcome: "allow", reasons: ["r"], elevations: [], responses: [], context_missing: [], malformed: [] };
const ELEVATION = { entitlement: "e", scope: "s", title: "t", max_duration: "1h" };
const withResponse = (response: object) => ({ ...ALLOW, responses: [response] });
const elevating = (...elevations: object[]) => ({ ...ALLOW, outcome: "elevate", elevations });

const RESULTS: Readonly<Record<string, unknown>> = {
  null: null,
  true: true,
  number: 1,
  allow: "allow",
  array: [ALLOW],
  object: {},
  "no-outcome": { ...ALLOW, outcome: undefined },
  "outcome-true": { ...ALLOW, outcome: true },
  "outcome-ALLOW": { ...ALLOW, outcome: "ALLOW" },
  "outcome-list": { ...ALLOW, outcome: ["allow"] },
  "unknown-key": { ...ALLOW, allowed: true },
  "no-reasons": { ...ALLOW, reasons: [] },
  "reasons-text": { ...ALLOW, reasons: "r" },
  "reason-number": { ...ALLOW, reasons: [1] },
  "deny-without-reason": { ...ALLOW, outcome: "deny", reasons: [] },
  malformed: { ...ALLOW, malformed: ["orders.deny"] },
  "header-number": withResponse({ headers: { "x-a": 1 } }),
  "header-line-break": withResponse({ headers: { "x-a": "1\r\nx-b: 2" } }),
  "header-name": withResponse({ headers: { "x a": "1" } }),
  "response-key": withResponse({ http_status: 200 }),
  "elevate-nothing": elevating(),
  "elevate-nine": elevating(...Array.from({ length: 9 }, (_, at) => ({ ...ELEVATION, scope: String(at) }))),
  "elevate-unknown-key": elevating({ ...ELEVATION, bindng: "exact" }),
  "elevate-for-ever": elevating({ ...ELEVATION, max_duration: "forever" }),
  "elevate-no-uses": elevating({ ...ELEVATION, max_uses: 0 }),
  "elevate-half-use": elevating({ ...ELEVATION, max_uses: 0.5 }),
  "elevate-no-scope": elevating({ ...ELEVATION, scope: undefined }),
  "elevate-long-display": elevating({ ...ELEVATION, display: [{ label: "l", value: "v".repeat(5_000) }] }),
};

const whenOpa = (await hasOpa()) ? describe : describe.skip;

whenOpa("a policy that answers nonsense denies, and says so to nobody but the operator", () => {
  let committed: Decision;
  beforeAll(async () => {
    committed = service;
    const bundle = join(folder, "nonsense");
    const quiet = { ...ALLOW, outcome: "no_rule_matched", reasons: [] };
    // The empty path is what a bundle is warmed up with, /orders/42 is the honest check.
    const context = { ...ALLOW, context_missing: ["incidents"] };
    const results = { ...RESULTS, context, "": quiet, honest: ALLOW, orders: ALLOW };
    const numbers = Array.from({ length: 8_000 }, (_, at) => at);
    const data = { results, many: numbers, others: numbers.map((one) => -1 - one) };
    await makeBundle(bundle, [NONSENSE, APPROVAL], data);
    service = await startLoneDecision({ folder, name: "nonsense", bundle });
  }, 90_000);
  afterAll(async () => {
    await service.kill();
    service = committed;
  });

  const decide = (path: string) => outcome(frame(check(`/${path}`, [`Bearer ${token()}`])));

  test.each(["undefined", ...Object.keys(RESULTS)])("%s", async (name) => {
    expect(await decide(name)).toBe("503 policy_result_invalid");
  });

  test("two answers at once", async () => {
    expect(await decide("conflict")).toBe("503 policy_conflict");
  });

  test("context that it needs and that is not there", async () => {
    expect(await decide("context")).toBe("503 context_unavailable");
  });

  test("more memory than it may have", async () => {
    expect(await decide("memory")).toBe("503 policy_budget_exceeded");
  });

  test("a built-in that fails, where the rule would have gone on to allow", async () => {
    expect(await decide("builtin")).toBe("503 policy_error");
  });

  test("each of them is counted by its reason", async () => {
    await decide("number");
    const counted = 'countersign_decision_decisions_total{outcome="deny",reason="policy_result_invalid"}';
    expect(await metric(counted)).toBeGreaterThan(0);
  });

  test("more time than it may take", async () => {
    expect(await decide("slow")).toBe("503 policy_budget_exceeded");
  });
});
