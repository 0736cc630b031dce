/**
 * The native bootstrap, in a real Envoy, with a recording authorization server and upstream: what an approval can be bound
 * to, what cannot be bound, which headers a client cannot spoof, and that no answer is a denial.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { hasEnvoy, type RunningEnvoy, startEnvoy } from "../harness/envoy.ts";
import { rawRequest, sendRaw } from "../harness/raw-http.ts";
import { type RecordingAuthorization, startRecordingAuthorization } from "../harness/recording-authorization.ts";
import { type RecordingUpstream, startRecordingUpstream } from "../harness/recording-upstream.ts";

let authorization: RecordingAuthorization;
let upstream: RecordingUpstream;
let envoy: RunningEnvoy;

const withEnvoy = await hasEnvoy();
const describeInEnvoy = withEnvoy ? describe : describe.skip;

beforeAll(async () => {
  if (!withEnvoy) return;
  authorization = await startRecordingAuthorization();
  upstream = await startRecordingUpstream();
  envoy = await startEnvoy({
    bootstrap: "enforcers/envoy/native.yaml",
    ports: new Map([
      [9191, authorization.port],
      [8081, upstream.port],
    ]),
  });
}, 60_000);

afterAll(async () => {
  await envoy?.[Symbol.asyncDispose]();
  await upstream?.[Symbol.asyncDispose]();
  await authorization?.[Symbol.asyncDispose]();
});

beforeEach(() => {
  authorization.seen.length = 0;
  authorization.answer = "ok";
  authorization.okHeaders = new Map();
  upstream.received.length = 0;
});

const send = (method: string, target: string, lines: readonly string[] = [], body?: Uint8Array) =>
  sendRaw(envoy.port, rawRequest(method, target, lines, body));

function lastHttp() {
  const attributes = authorization.seen.at(-1)?.attributes;
  return { http: attributes?.request?.http, extensions: attributes?.contextExtensions };
}

describeInEnvoy("closed by default", () => {
  test("a denial reaches no upstream", async () => {
    authorization.answer = "deny";
    expect((await send("DELETE", "/orders/42")).status).toBe(403);
    expect(upstream.received).toEqual([]);
  });

  test("without an authorization service every request is 503 and none reaches the upstream", async () => {
    const gone = await startRecordingAuthorization();
    await gone[Symbol.asyncDispose]();
    await using alone = await startEnvoy({
      bootstrap: "enforcers/envoy/native.yaml",
      ports: new Map([
        [9191, gone.port],
        [8081, upstream.port],
      ]),
    });
    expect((await sendRaw(alone.port, rawRequest("GET", "/orders", []))).status).toBe(503);
    expect(upstream.received).toEqual([]);
  }, 60_000);

  const refused: readonly { name: string; method: string; target: string; lines: readonly string[]; body?: Buffer }[] =
    [
      { name: "an escaped slash", method: "GET", target: "/orders%2f42", lines: [] },
      { name: "an escaped backslash", method: "GET", target: "/orders%5c42", lines: [] },
      { name: "an underscore header", method: "GET", target: "/orders", lines: ["countersign_subject: sam"] },
      {
        name: "a WebSocket upgrade",
        method: "GET",
        target: "/orders",
        lines: ["upgrade: websocket", "connection: upgrade"],
      },
      { name: "CONNECT", method: "CONNECT", target: "orders.example:443", lines: [] },
      { name: "two lengths", method: "POST", target: "/refunds", lines: ["content-length: 1", "content-length: 2"] },
      {
        name: "length and chunking together",
        method: "POST",
        target: "/refunds",
        lines: ["content-length: 4", "transfer-encoding: chunked"],
      },
      {
        name: "a body beyond the buffer",
        method: "POST",
        target: "/refunds",
        lines: [],
        body: Buffer.alloc(70_000, 97),
      },
    ];
  test.each(refused)("$name reaches no upstream", async ({ method, target, lines, body }) => {
    const { status } = await send(method, target, lines, body);
    expect(status === 0 || (status >= 400 && status < 500)).toBe(true);
    expect(upstream.received).toEqual([]);
  });

  test.each([
    ["/orders/../admin", "/admin"],
    ["//admin", "/admin"],
    ["/orders/%2e%2e/admin", "/admin"],
  ])("the policy sees the path that the upstream gets: %s", async (sent, normal) => {
    await send("GET", sent);
    expect(lastHttp().http?.path).toBe(normal);
    expect(upstream.received.map(({ url }) => url)).toEqual([normal]);
  });
});

describeInEnvoy("what an approval can be bound to", () => {
  test("a route that does not declare buffering sends no body and does not claim that there is none", async () => {
    await send("POST", "/reports", ["content-type: application/json"], Buffer.from('{"amount":40}'));
    const { http, extensions } = lastHttp();
    expect(http?.rawBody).toHaveLength(0);
    expect(http?.body).toBe("");
    expect(extensions?.get("countersign.body")).toBeUndefined();
    expect(upstream.received.at(-1)?.body.toString()).toBe('{"amount":40}');
  });

  test("a buffered route sends the exact bytes, also those that are not UTF-8", async () => {
    const bytes = Buffer.from([0x00, 0xff, 0xfe, 0x80, 0x21, 0x0a]);
    await send("POST", "/refunds", ["content-type: application/octet-stream"], bytes);
    const { http, extensions } = lastHttp();
    expect(Buffer.from(http?.rawBody ?? []).equals(bytes)).toBe(true);
    expect(extensions?.get("countersign.body")).toBe("buffered");
    expect(upstream.received.at(-1)?.body.equals(bytes)).toBe(true);
  });

  test("a chunked body is sent whole", async () => {
    const chunked = Buffer.from("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    await send("POST", "/refunds", ["transfer-encoding: chunked"], chunked);
    expect(Buffer.from(lastHttp().http?.rawBody ?? []).toString()).toBe("abcde");
    expect(upstream.received.at(-1)?.body.toString()).toBe("abcde");
  });

  test("a client cannot claim that a route buffers", async () => {
    await send(
      "POST",
      "/reports",
      ["countersign.body: buffered", "x-envoy-auth-partial-body: false"],
      Buffer.from("x"),
    );
    expect(lastHttp().extensions?.get("countersign.body")).toBeUndefined();
  });

  test("duplicate headers stay visible, in order", async () => {
    await send("POST", "/refunds", ["x-currency: EUR", "x-currency: USD"], Buffer.from("x"));
    const values = (lastHttp().http?.headerMap?.headers ?? [])
      .filter(({ key }) => key === "x-currency")
      .map(({ rawValue, value }) => (rawValue.length > 0 ? Buffer.from(rawValue).toString() : value));
    expect(values).toEqual(["EUR", "USD"]);
  });
});

describeInEnvoy("what a client cannot say", () => {
  const names = ["countersign-subject", "countersign-decision-id", "countersign-grant-id"];
  const spellings = names.flatMap((name) => [name, name.toUpperCase(), name.replace(/^c/, "C")]);

  test.each(spellings)("%s of a client reaches neither policy nor upstream", async (name) => {
    await send("GET", "/orders", [`${name}: spoofed`]);
    const seen = (lastHttp().http?.headerMap?.headers ?? []).map(({ key }) => key);
    expect(seen).not.toContain(name.toLowerCase());
    expect(upstream.received.at(-1)?.headers[name.toLowerCase()]).toBeUndefined();
  });

  test("what the decision service sets reaches the upstream, and only that", async () => {
    authorization.okHeaders = new Map([["countersign-subject", "dana"]]);
    await send("GET", "/orders", ["countersign-subject: sam"]);
    expect(upstream.received.at(-1)?.headers["countersign-subject"]).toBe("dana");
  });

  test.each(["x-http-method-override", "x-original-url", "x-envoy-retry-on"])("%s is removed", async (name) => {
    await send("GET", "/orders", [`${name}: DELETE`]);
    expect(upstream.received.at(-1)?.headers[name]).toBeUndefined();
  });

  test("the source address is the peer's, whatever x-forwarded-for says", async () => {
    await send("GET", "/orders", ["x-forwarded-for: 203.0.113.9"]);
    const source = authorization.seen.at(-1)?.attributes?.source?.address?.address;
    expect(source?.$case === "socketAddress" && source.value.address).toBe("127.0.0.1");
  });
});
