import { credentials, type ServiceError, status } from "@grpc/grpc-js";
import { expect, test } from "@jest/globals";
import {
  AuthorizationClient,
  CheckRequest,
  CheckResponse,
} from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { watchHealth } from "../../../test/harness/grpc-health.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import type { Check } from "./edge.ts";
import { startCheckServer } from "./server.ts";

const response = new Uint8Array();

async function started(check: Check, maxInFlight = 1) {
  const faults: unknown[] = [];
  const server = await startCheckServer(
    { check, faults: { report: (error) => faults.push(error) }, monotonicMs: () => performance.now() },
    {
      host: "127.0.0.1",
      port: 0,
      tls: undefined,
      maxMessageBytes: 65_536,
      maxInFlight,
      deadlineMs: 20_000,
      drainMs: 20_000,
    },
  );
  const client = new AuthorizationClient(`127.0.0.1:${server.port}`, credentials.createInsecure());
  const told = (deadlineMs: number) =>
    new Promise<{ readonly code: number; readonly answer: CheckResponse | undefined }>((resolve) => {
      client.makeUnaryRequest(
        "/envoy.service.auth.v3.Authorization/Check",
        (value: CheckRequest) => Buffer.from(CheckRequest.encode(value).finish()),
        (value) => CheckResponse.decode(value),
        { attributes: undefined },
        { deadline: Date.now() + deadlineMs },
        (error: ServiceError | null, answer) => resolve({ code: error === null ? status.OK : error.code, answer }),
      );
    });
  const ask = async (deadlineMs: number) => (await told(deadlineMs)).code;
  return { server, client, ask, told, faults };
}

test("beyond the limit of checks in flight the next one is shed at once, and the end waits for those under way", async () => {
  const gate = Promise.withResolvers<void>();
  const shed: boolean[] = [];
  const { server, client, ask } = await started(async (_arrived, _deadline, options) => {
    shed.push(options.shed);
    if (!options.shed) await gate.promise;
    return response;
  });
  const first = ask(15_000);
  await waitUntil("the first check to arrive", 30_000, () => shed.length === 1);
  expect(await ask(15_000)).toBe(status.OK);
  expect(shed).toEqual([false, true]);
  const ended = server[Symbol.asyncDispose]();
  gate.resolve();
  expect(await first).toBe(status.OK);
  client.close();
  await ended;
});

test("the enforcer's own deadline counts when it is the earlier one, less the way back", async () => {
  const left: number[] = [];
  const { server, client, ask } = await started(async (_arrived, deadline) => {
    left.push(deadline.leftMs(), deadline.within(50).leftMs());
    return response;
  });
  await ask(5_000);
  await ask(60_000);
  expect(left[0]).toBeLessThanOrEqual(4_980);
  expect(left[1]).toBeLessThanOrEqual(50);
  expect(left[2]).toBeLessThanOrEqual(20_000);
  expect(left[2]).toBeGreaterThan(10_000);
  client.close();
  await server[Symbol.asyncDispose]();
});

test("at its end it says NOT_SERVING to whoever watches its health, while what is under way is still answered", async () => {
  const gate = Promise.withResolvers<void>();
  let arrived = false;
  const { server, client, ask } = await started(async () => {
    arrived = true;
    await gate.promise;
    return response;
  });
  const said: string[] = [];
  const health = watchHealth(client, (state) => said.push(state));
  await waitUntil("the first word", 30_000, () => said.length === 1);
  server.serving(true);
  const first = ask(15_000);
  await waitUntil("the check to arrive", 30_000, () => arrived);
  const ended = server[Symbol.asyncDispose]();
  await waitUntil("the last word", 30_000, () => said.length === 3);
  expect(said).toEqual(["NOT_SERVING", "SERVING", "NOT_SERVING"]);
  gate.resolve();
  expect(await first).toBe(status.OK);
  health.cancel();
  client.close();
  await ended;
});

test("a check that throws is a denial for whoever asks, and no error that a proxy could let through", async () => {
  const thrown = new Error("a fault of ours");
  const { server, client, told, faults } = await started(() => Promise.reject(thrown));
  const { code, answer } = await told(15_000);
  expect([code, answer?.status?.code]).toEqual([status.OK, status.PERMISSION_DENIED]);
  if (answer?.httpResponse?.$case !== "deniedResponse") throw new Error("not denied");
  const { status: http, headers } = answer.httpResponse.value;
  expect([http?.code, headers.map(({ header }) => header?.key)]).toEqual([503, ["retry-after"]]);
  expect(faults).toEqual([thrown]);
  client.close();
  await server[Symbol.asyncDispose]();
});
