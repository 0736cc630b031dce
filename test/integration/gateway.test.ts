/** The gateway as a process, with a recording decision service and upstream. */
import { afterAll, beforeAll, describe } from "@jest/globals";
import { type RunningGateway, startGatewayProcess } from "../harness/gateway.ts";
import { type RecordingAuthorization, startRecordingAuthorization } from "../harness/recording-authorization.ts";
import { type RecordingUpstream, startRecordingUpstream } from "../harness/recording-upstream.ts";
import { testEnforcer } from "./enforcer-contract.ts";

let authorization: RecordingAuthorization;
let upstream: RecordingUpstream;
let gateway: RunningGateway;

beforeAll(async () => {
  authorization = await startRecordingAuthorization();
  upstream = await startRecordingUpstream();
  gateway = await startGatewayProcess({ authorization: authorization.port, upstream: upstream.port });
}, 60_000);

afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await upstream?.[Symbol.asyncDispose]();
  await authorization?.[Symbol.asyncDispose]();
});

describe("as every enforcer", () => {
  testEnforcer(() => ({ port: gateway.port, authorization, upstream }));
});
