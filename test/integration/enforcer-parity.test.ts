/**
 * The gateway asks what Envoy asks: the same request through both, with the routes of the committed configurations, gives the
 * same CheckRequest, but for what is new in every request (time, ports, ids) and, for a client on loopback, the address of the machine
 * that Envoy writes into x-forwarded-for.
 */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { CheckRequest } from "../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { hasEnvoy, type RunningEnvoy, startEnvoy } from "../harness/envoy.ts";
import { type RunningGateway, startGatewayProcess } from "../harness/gateway.ts";
import { rawRequest, sendRaw } from "../harness/raw-http.ts";
import { type RecordingAuthorization, startRecordingAuthorization } from "../harness/recording-authorization.ts";
import { type RecordingUpstream, startRecordingUpstream } from "../harness/recording-upstream.ts";

let authorization: RecordingAuthorization;
let upstream: RecordingUpstream;
let envoy: RunningEnvoy;
let gateway: RunningGateway;

const withEnvoy = await hasEnvoy();
const describeBeside = withEnvoy ? describe : describe.skip;

beforeAll(async () => {
  if (!withEnvoy) return;
  authorization = await startRecordingAuthorization();
  upstream = await startRecordingUpstream();
  const ports = new Map([
    [9191, authorization.port],
    [8081, upstream.port],
  ]);
  envoy = await startEnvoy({ bootstrap: "enforcers/envoy/native.yaml", ports });
  gateway = await startGatewayProcess({ authorization: authorization.port, upstream: upstream.port });
});

afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await envoy?.[Symbol.asyncDispose]();
  await upstream?.[Symbol.asyncDispose]();
  await authorization?.[Symbol.asyncDispose]();
});

async function asked(port: number, bytes: Buffer): Promise<CheckRequest> {
  authorization.seen.length = 0;
  await sendRaw(port, bytes);
  const [request, ...more] = authorization.seen;
  if (request === undefined || more.length > 0) throw new Error("not asked once");
  return request;
}

/** What a policy could see of it, without what differs by its nature. */
function comparable({ attributes }: CheckRequest) {
  const http = attributes?.request?.http;
  const { source, destination, metadataContext, routeMetadataContext, tlsSession } = attributes ?? {};
  const own = /^x-(request-id|forwarded-for)$/;
  return {
    ends: [source, destination].map((end) => {
      const socket = end?.address?.address?.$case === "socketAddress" ? end.address.address.value : undefined;
      return { ...end, address: { ...socket, portSpecifier: socket?.portSpecifier?.$case } };
    }),
    extensions: [...(attributes?.contextExtensions ?? [])],
    rest: { metadataContext, routeMetadataContext, tlsSession },
    http: { ...http, id: typeof http?.id, headerMap: undefined, rawBody: http?.rawBody.toString("latin1") },
    lines: http?.headerMap?.headers
      .filter(({ key }) => !own.test(key))
      .map(({ key, value, rawValue }) => `${key}: ${rawValue.toString("latin1")}${value}`),
  };
}

describeBeside("through Envoy and through the gateway", () => {
  test.each([
    [
      "GET",
      "/orders/42?a=b&c=//d",
      ["X-Mixed: Abc", "x-empty:", "cookie: a=1", "cookie: b=2", "x-latin: caf\u00e9"],
      "",
    ],
    ["GET", "/reports", ["authorization: Bearer a.b.c", "traceparent: 00-1-2-01", "accept: */*"], ""],
    ["POST", "/refunds", ["content-type: application/json"], '{"amount":40}'],
    ["POST", "/refunds", ["content-type: application/octet-stream"], "\u0000\u00ff\u00fe"],
    ["POST", "/refunds", ["content-length: 0"], ""],
    ["POST", "/refunds", [], ""],
    ["POST", "/refunds", ["transfer-encoding: chunked"], "3\r\nabc\r\n0\r\n\r\n"],
    ["POST", "/refunds", ["transfer-encoding: chunked"], "0\r\n\r\n"],
    ["POST", "/reports", ["content-type: application/json"], '{"amount":40}'],
    ["POST", "/reports", ["transfer-encoding: chunked"], "3\r\nabc\r\n0\r\n\r\n"],
    ["DELETE", "/orders/42", ["countersign-reason: because", "countersign-subject: sam", "x-original-url: /"], ""],
    [
      "GET",
      "/orders/42",
      ["x-envoy-internal: true", "x-envoy-external-address: 203.0.113.9", "x-envoy.of-nobody: 1"],
      "",
    ],
    ["GET", "/refunds", ["connection: keep-alive", "keep-alive: 5", "upgrade: h2c", "x-forwarded-proto: https"], ""],
    ["PATCH", "/orders/%C3%A9;v=1", ["x-a: 1", "X-A: 2", "content-encoding: gzip"], "body"],
  ] as const)("%s %s %j", async (method, target, lines, body) => {
    const bytes = rawRequest(method, target, lines, Buffer.from(body, "latin1"));
    expect(comparable(await asked(gateway.port, bytes))).toEqual(comparable(await asked(envoy.port, bytes)));
  });
});
