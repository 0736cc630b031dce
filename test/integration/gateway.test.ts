/**
 * The gateway as a process, with a recording decision service and upstream: passes what every enforcer has to
 * (enforcer-contract.ts), refuses what is not in normal form, and does what the decision service says. What it does when either
 * side misbehaves: gateway/.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { HeaderValueOption } from "../../proto/gen/envoy/config/core/v3/base.ts";
import type { DeniedHttpResponse, OkHttpResponse } from "../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { type RunningGateway, startGatewayProcess } from "../harness/gateway.ts";
import { rawRequest, sendRaw } from "../harness/raw-http.ts";
import { type RecordingAuthorization, startRecordingAuthorization } from "../harness/recording-authorization.ts";
import { type RecordingUpstream, startRecordingUpstream } from "../harness/recording-upstream.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { testEnforcer } from "./enforcer-contract.ts";

const DEADLINE_MS = 30_000;

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

beforeEach(() => {
  authorization.seen.length = 0;
  authorization.answer = "ok";
  authorization.okHeaders = new Map();
  authorization.respond = undefined;
  upstream.received.length = 0;
});

const send = (method: string, target: string, lines: readonly string[] = [], body?: Uint8Array) =>
  sendRaw(gateway.port, rawRequest(method, target, lines, body));

describe("as every enforcer", () => {
  testEnforcer(() => ({ port: gateway.port, authorization, upstream }));
});

describe("what it refuses by itself", () => {
  test.each(["//admin", "/orders/../admin", "/orders/%2e%2e/admin", "/orders\\..\\admin", "/%6frders", "/orders/%zz"])(
    "%s is 400 and nobody is asked",
    async (target) => {
      const { status, text } = await send("GET", target);
      expect(status).toBe(400);
      expect(text).toContain('"reasons":["target_ambiguous"]');
      expect(authorization.seen).toEqual([]);
    },
  );

  test("what it logs of a refused request names neither query nor credentials", async () => {
    await send("GET", "/orders//42?token=secret-in-query", ["authorization: Bearer secret-in-header"]);
    await send("GET", "http://user:secret-in-target@orders.example/orders");
    await waitUntil(
      "the log of both",
      DEADLINE_MS,
      () => gateway.lines.filter((line) => line.includes("target_ambiguous")).length > 1,
    );
    expect(gateway.lines.join("\n")).not.toContain("secret-in");
  });
});

describe("what the decision service answers", () => {
  const option = (
    key: string,
    value: string,
    appendAction: 0 | 1 | 2 | 3 = 2,
    append?: boolean,
  ): HeaderValueOption => ({
    header: { key, value, rawValue: Buffer.alloc(0) },
    append,
    appendAction,
    keepEmptyValue: false,
  });
  const allow = (parts: Partial<OkHttpResponse>) => {
    const empty = { headers: [], headersToRemove: [], responseHeadersToAdd: [], queryParametersToSet: [] };
    const value: OkHttpResponse = { ...empty, queryParametersToRemove: [], ...parts };
    authorization.respond = {
      kind: "response",
      response: { status: { code: 0, message: "", details: [] }, httpResponse: { $case: "okResponse", value } },
    };
  };
  const deny = (value: DeniedHttpResponse) => {
    authorization.respond = {
      kind: "response",
      response: { status: { code: 7, message: "", details: [] }, httpResponse: { $case: "deniedResponse", value } },
    };
  };

  test("an empty message is 503, although Envoy would let it pass", async () => {
    authorization.respond = { kind: "bytes", bytes: Buffer.alloc(0) };
    expect((await send("GET", "/orders")).status).toBe(503);
    expect(upstream.received).toEqual([]);
  });

  test("an allow that wants another path is 503, not half applied", async () => {
    allow({ headers: [option("x-a", "1"), option(":path", "/admin")] });
    expect((await send("GET", "/orders")).status).toBe(503);
    expect(upstream.received).toEqual([]);
  });

  test("a denial reaches the client with its status, headers and body", async () => {
    const headers = [
      option("Content-Type", "application/problem+json"),
      option("retry-after", "7"),
      option("retry-after", "8"),
    ];
    deny({ status: { code: 429 }, headers, body: '{"title":"caf\u00e9"}' });
    const { text } = await send("POST", "/reports", [], Buffer.from("body"));
    expect(text).toMatch(/^HTTP\/1\.1 429 /);
    expect(text.toLowerCase()).toContain(
      "content-type: application/problem+json\r\nretry-after: 7\r\nretry-after: 8\r\n",
    );
    expect(Buffer.from(text, "latin1").toString("utf8")).toMatch(/\{"title":"caf\u00e9"\}$/);
  });

  test("a denial of HEAD has no body, and one that says nothing is 403", async () => {
    deny({ status: undefined, headers: [], body: "no" });
    expect((await send("HEAD", "/orders")).text).toMatch(/^HTTP\/1\.1 403 [^]*\r\n\r\n$/);
  });

  test("headers are set, added and removed before the upstream sees them", async () => {
    allow({
      headers: [
        option("x-user", "dana"),
        option("x-groups", "a", 0),
        option("x-groups", "b", 0),
        option("x-more", "2", 0, true),
      ],
      headersToRemove: ["X-Secret"],
    });
    await send("GET", "/orders", [
      "x-user: sam",
      "x.user: sam",
      "x-more: 1",
      "x-secret: 1",
      "x.secret: 2",
      "x-groups: admin",
    ]);
    const { rawHeaders = [] } = upstream.received[0] ?? {};
    const pairs = rawHeaders.flatMap((name, at) =>
      at % 2 === 0 && name.startsWith("x") ? [`${name}: ${rawHeaders[at + 1]}`] : [],
    );
    expect(pairs.filter((pair) => !/^x-(forwarded|request)/.test(pair)).sort()).toEqual([
      "x-groups: a",
      "x-groups: b",
      "x-more: 1",
      "x-more: 2",
      "x-user: dana",
    ]);
  });

  test("headers are added to the upstream's answer", async () => {
    allow({ responseHeadersToAdd: [option("x-decision", "1", 0), option("content-type", "text/plain", 1)] });
    const { text } = await send("GET", "/orders");
    expect(text.toLowerCase()).toContain("x-decision: 1\r\n");
    expect(text.toLowerCase()).toContain("content-type: text/plain\r\n");
  });
});

describe("on a connection that stays open", () => {
  test("a denied and a refused request with bodies are not taken for the beginning of the next one", async () => {
    authorization.answer = "deny";
    const one = `POST /reports HTTP/1.1\r\nhost: a\r\ncontent-length: 12\r\n\r\nGET /b HTTP/`;
    const two = `POST //refused HTTP/1.1\r\nhost: a\r\ncontent-length: 12\r\n\r\nGET /c HTTP/`;
    const { text } = await sendRaw(
      gateway.port,
      Buffer.concat([Buffer.from(one + two), rawRequest("GET", "/last", [])]),
    );
    const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status);
    expect(statuses).toEqual(["403", "400", "403"].slice(0, statuses.length));
    const paths = authorization.seen.map(({ attributes }) => attributes?.request?.http?.path);
    expect(["/reports", "/last"]).toEqual(expect.arrayContaining(paths));
    expect(upstream.received).toEqual([]);
  });

  test("requests that do not wait for each other are judged one by one, and answered in their order", async () => {
    const [one, two] = ["/orders/1", "/orders/2"].map(
      (path) => `GET ${path} HTTP/1.1\r\nhost: a\r\nx-n: ${path}\r\n\r\n`,
    );
    const bytes = Buffer.concat([Buffer.from(`${one}${two}`), rawRequest("GET", "/orders/3", [])]);
    const { text } = await sendRaw(gateway.port, bytes);
    expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3);
    const judged = authorization.seen.map(({ attributes }) => attributes?.request?.http?.path ?? "");
    expect(judged.toSorted()).toEqual(["/orders/1", "/orders/2", "/orders/3"]);
    expect(upstream.received.map(({ url }) => url).toSorted()).toEqual(judged.toSorted());
  });
});
