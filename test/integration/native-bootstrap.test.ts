/**
 * The native bootstrap, in a real Envoy, with a recording authorization server and upstream: passes what every enforcer has to
 * (enforcer-contract.ts), normalises paths before the policy sees them, and is closed when there is no authorization service.
 */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { hasEnvoy, type RunningEnvoy, startEnvoy } from "../harness/envoy.ts";
import { rawRequest, sendRaw } from "../harness/raw-http.ts";
import { type RecordingAuthorization, startRecordingAuthorization } from "../harness/recording-authorization.ts";
import { type RecordingUpstream, startRecordingUpstream } from "../harness/recording-upstream.ts";
import { testEnforcer } from "./enforcer-contract.ts";

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
});

afterAll(async () => {
  await envoy?.[Symbol.asyncDispose]();
  await upstream?.[Symbol.asyncDispose]();
  await authorization?.[Symbol.asyncDispose]();
});

describeInEnvoy("as every enforcer", () => {
  testEnforcer(() => ({ port: envoy.port, authorization, upstream }));

  test.each([
    ["/orders/../admin", "/admin"],
    ["//admin", "/admin"],
    ["/orders/%2e%2e/admin", "/admin"],
  ])("the policy sees the path that the upstream gets: %s", async (sent, normal) => {
    await sendRaw(envoy.port, rawRequest("GET", sent, []));
    expect(authorization.seen.at(-1)?.attributes?.request?.http?.path).toBe(normal);
    expect(upstream.received.map(({ url }) => url)).toEqual([normal]);
  });
});

describeInEnvoy("alone", () => {
  test("without an authorization service every request is 503 and none reaches the upstream", async () => {
    upstream.received.length = 0;
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
  });
});
