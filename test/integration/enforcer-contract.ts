/**
 * The tests that every enforcer has to pass: our Envoy bootstrap and our gateway run the same ones, with a recording decision
 * service and a recording upstream, so that a policy and an approval mean the same behind either.
 */
import { beforeEach, describe, expect, test } from "@jest/globals";
import { allowByPolicy } from "../../core/domain/decision.ts";
import { id } from "../../core/domain/id.ts";
import { evaluationFrom } from "../../services/decision/ext-authz/check-request.ts";
import { checkResponse } from "../../services/decision/ext-authz/check-response.ts";
import { readCheck } from "../../services/decision/ext-authz/read-check.ts";
import { rawRequest, sendRaw } from "../harness/raw-http.ts";
import { enforcerCases } from "./enforcer-cases.ts";
import { brokenBodies } from "./framed-bodies.ts";
import { expectConsistent, type Recorders } from "./expect-consistent.ts";

const DECISION_ID = id("decision", "01930000-0000-7000-8000-000000000001");

type Enforcer = Recorders & { readonly port: number };

/** `enforcer` is asked when tests run; call it inside a `describe` whose `beforeAll` starts it. */
export function testEnforcer(enforcer: () => Enforcer): void {
  const send = (method: string, target: string, lines: readonly string[] = [], body?: Uint8Array) =>
    sendRaw(enforcer().port, rawRequest(method, target, lines, body));
  const lastHttp = () => {
    const attributes = enforcer().authorization.seen.at(-1)?.attributes;
    return { http: attributes?.request?.http, extensions: attributes?.contextExtensions };
  };
  const lastReceived = () => enforcer().upstream.received.at(-1);

  beforeEach(() => {
    const { authorization, upstream } = enforcer();
    authorization.seen.length = 0;
    authorization.answer = "ok";
    authorization.okHeaders = new Map();
    authorization.respond = undefined;
    upstream.received.length = 0;
  });

  describe("what the policy saw is what the upstream got, or it was refused", () => {
    test.each(enforcerCases)("$name", async (sent) => {
      expectConsistent(await sendRaw(enforcer().port, sent.bytes), enforcer(), sent);
    });

    test.each(brokenBodies)("%s reaches no upstream as a whole request", async (_, body) => {
      for (const target of ["/refunds", "/reports"]) {
        await send("POST", target, ["transfer-encoding: chunked"], Buffer.from(body));
      }
      await send("GET", "/the-one-after");
      expect(enforcer().upstream.received.map(({ url }) => url)).toEqual(["/the-one-after"]);
    });
  });

  describe("closed", () => {
    test("a denial reaches no upstream", async () => {
      enforcer().authorization.answer = "deny";
      expect((await send("DELETE", "/orders/42")).status).toBe(403);
      expect((await send("POST", "/reports", [], Buffer.from("body"))).status).toBe(403);
      expect(enforcer().upstream.received).toEqual([]);
    });

    test.each([
      { name: "silence", respond: { kind: "silence" } },
      { name: "a message that cannot be decoded", respond: { kind: "bytes", bytes: Buffer.from([0xff, 0xff, 0xff]) } },
      { name: "gRPC PERMISSION_DENIED", respond: { kind: "error", code: 7 } },
      { name: "gRPC UNAVAILABLE", respond: { kind: "error", code: 14 } },
      { name: "gRPC UNKNOWN", respond: { kind: "error", code: 2 } },
    ] as const)("$name instead of an answer is 503", async ({ respond }) => {
      enforcer().authorization.respond = respond;
      expect((await send("GET", "/orders/42")).status).toBe(503);
      expect(enforcer().upstream.received).toEqual([]);
    });
  });

  describe("what an approval can be bound to", () => {
    test("a route that does not declare buffering sends no body and does not claim that there is none", async () => {
      await send("POST", "/reports", ["content-type: application/json"], Buffer.from('{"amount":40}'));
      const { http, extensions } = lastHttp();
      expect(http?.rawBody).toHaveLength(0);
      expect(http?.body).toBe("");
      expect(extensions?.get("countersign.body")).toBeUndefined();
      expect(lastReceived()?.body.toString()).toBe('{"amount":40}');
    });

    test("a buffered route sends the exact bytes, also those that are not UTF-8", async () => {
      const bytes = Buffer.from([0x00, 0xff, 0xfe, 0x80, 0x21, 0x0a]);
      await send("POST", "/refunds", ["content-type: application/octet-stream"], bytes);
      const { http, extensions } = lastHttp();
      expect(Buffer.from(http?.rawBody ?? []).equals(bytes)).toBe(true);
      expect(extensions?.get("countersign.body")).toBe("buffered");
      expect(lastReceived()?.body.equals(bytes)).toBe(true);
    });

    test("a chunked body is sent whole", async () => {
      const chunked = Buffer.from("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
      await send("POST", "/refunds", ["transfer-encoding: chunked"], chunked);
      expect(Buffer.from(lastHttp().http?.rawBody ?? []).toString()).toBe("abcde");
      expect(lastReceived()?.body.toString()).toBe("abcde");
    });

    test("a client cannot claim that a route buffers, nor that its body was cut", async () => {
      const claims = ["countersign.body: buffered", "x-envoy-auth-partial-body: true"];
      await send("POST", "/reports", claims, Buffer.from("x"));
      const { http, extensions } = lastHttp();
      expect(extensions?.get("countersign.body")).toBeUndefined();
      const partial = (http?.headerMap?.headers ?? []).filter(({ key }) => key === "x-envoy-auth-partial-body");
      expect(partial).toEqual([]);
    });

    test("duplicate headers stay visible, in order", async () => {
      await send("POST", "/refunds", ["x-currency: EUR", "x-currency: USD"], Buffer.from("x"));
      const values = (lastHttp().http?.headerMap?.headers ?? [])
        .filter(({ key }) => key === "x-currency")
        .map(({ rawValue, value }) => (rawValue.length > 0 ? Buffer.from(rawValue).toString() : value));
      expect(values).toEqual(["EUR", "USD"]);
    });
  });

  describe("what a client cannot say", () => {
    const names = ["countersign-subject", "countersign-issuer", "countersign-decision-id", "countersign-grant-id"];
    const overrides = ["x-http-method-override", "x-original-url", "x-rewrite-url", "x-host", "x-original-host"];
    const parts = ["uri", "host", "port", "scheme", "ssl", "server", "prefix", "path", "client-cert"];
    const forwarded = parts.map((one) => `x-forwarded-${one}`);
    const ofEnvoy = ["retry-on", "internal", "external-address", "of-nobody"].map((one) => `x-envoy-${one}`);
    const marks = [".", "~", "!", "'", "+", "|", "-"];
    /** Upper and lower case are one name anyway; with `_` a request is refused (enforcer-cases.ts). */
    const spellings = [
      ...["forwarded", "x-request-id"],
      ...[...names, ...overrides, ...forwarded, ...ofEnvoy].flatMap((name) => [
        ...[name.toUpperCase(), name.replace(/^./, (first) => first.toUpperCase()), name.replace("-", ".")],
        ...marks.map((mark) => name.replaceAll("-", mark)),
      ]),
    ];

    /** Written or removed by the enforcer under their own name: every other one is the client's. */
    const othersOf = (name: string) =>
      marks
        .filter((mark) => mark !== "-")
        .flatMap((mark) => [
          name.replaceAll("-", mark),
          ...[...name.matchAll(/-/g)].map(({ index }) => name.slice(0, index) + mark + name.slice(index + 1)),
        ]);
    const misspelt = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-client-cert"].flatMap(othersOf);
    const forbidden = [...new Set([...spellings, ...misspelt])];

    test.each(forbidden)("%s of a client reaches neither policy nor upstream", async (name) => {
      await send("GET", "/orders", [`${name}: spoofed`]);
      expect(lastReceived()?.url).toBe("/orders");
      expect(lastHttp().http?.path).toBe("/orders");
      const values = (lastHttp().http?.headerMap?.headers ?? []).map(({ rawValue }) => rawValue.toString("latin1"));
      expect([...values, ...(lastReceived()?.rawHeaders ?? [])]).not.toContain("spoofed");
    });

    test("what the decision service sets reaches the upstream, and only that", async () => {
      enforcer().authorization.okHeaders = new Map([["countersign-subject", "dana"]]);
      await send("GET", "/orders", ["countersign-subject: sam"]);
      expect(lastReceived()?.headers["countersign-subject"]).toBe("dana");
    });

    test("a header that the decision service sets replaces every value that the client sent", async () => {
      enforcer().authorization.okHeaders = new Map([["x-user", "dana"]]);
      await send("GET", "/orders", ["x-user: sam", "X-User: max"]);
      expect(lastReceived()?.headers["x-user"]).toBe("dana");
    });

    test("a header that a policy sets or removes goes in every spelling of the client", async () => {
      const headers = [["x-user", "dana"]] as const;
      const response = { headers, responseHeadersToAdd: [], requestHeadersToRemove: ["x-secret"] };
      const decision = allowByPolicy({ kind: "allow", reasons: ["r"], response });
      const decide = (question: Buffer) => {
        const { evaluation } = evaluationFrom(readCheck(question), DECISION_ID);
        const evaluated = { decision, subject: undefined, policyRevision: "r1" };
        return checkResponse(evaluated, evaluation, { requestUrl: undefined });
      };
      enforcer().authorization.respond = { kind: "decided", decide };
      const spelt = ["x-user", "x.user", "X~User", "x-secret", "x.secret", "X|Secret"];
      await send("GET", "/orders", [...spelt.map((name) => `${name}: sam`), "x-kept: 1"]);
      const { headers: got = {}, rawHeaders = [] } = lastReceived() ?? {};
      expect([got["x-user"], got["x-kept"]]).toEqual(["dana", "1"]);
      expect(rawHeaders).not.toContain("sam");
    });

    test("a reason for the approvers is the client's own, and is passed on", async () => {
      await send("GET", "/orders", ["countersign-reason: the customer asked"]);
      expect(lastReceived()?.headers["countersign-reason"]).toBe("the customer asked");
    });

    test.each(["x-http-method", "x-method-override"])("%s is removed", async (name) => {
      await send("GET", "/orders", [`${name}: DELETE`]);
      expect(lastReceived()?.headers[name]).toBeUndefined();
    });

    test("what the enforcer writes of the client reaches the upstream, behind what the client claimed", async () => {
      await send("GET", "/orders", ["x-forwarded-for: 203.0.113.9", "x-forwarded-proto: https"]);
      const { headers = {} } = lastReceived() ?? {};
      expect(headers["x-forwarded-for"]).toMatch(/^203\.0\.113\.9, ?[\da-f.:]+$/);
      expect(headers["x-forwarded-proto"]).toBe("http");
    });

    test("the source address is the peer's, whatever x-forwarded-for says", async () => {
      await send("GET", "/orders", ["x-forwarded-for: 203.0.113.9"]);
      const source = enforcer().authorization.seen.at(-1)?.attributes?.source?.address?.address;
      expect(source?.$case === "socketAddress" && source.value.address).toBe("127.0.0.1");
    });
  });
}
