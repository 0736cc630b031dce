import { once } from "node:events";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "@jest/globals";
import { credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import type { RedemptionClaim, RedemptionRefused } from "../../../core/domain/grant.ts";
import { createLog } from "../../../platform/log/log.ts";
import { createMetrics, type Metrics } from "../../../platform/metrics/metrics.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import {
  RedemptionServiceClient,
  RedemptionServiceService,
  RedeemRequest,
  type RedeemResponse,
  RefusalReason,
} from "../../../proto/gen/countersign/v1/redemption.ts";
import { frame, type FrameCall, sendFrames } from "../../../test/harness/grpc-frames.ts";
import { grpcHealth } from "../../../test/harness/grpc-health.ts";
import type { Redemption } from "../ports.ts";
import { type RedemptionServer, startRedemptionServer } from "./redemption-server.ts";

const TOKEN = "a-service-token-of-this-test";
const request: RedeemRequest = {
  redemptionId: "01930000-0000-7000-8000-000000000001",
  grantId: "01930000-0000-7000-8000-000000000002",
  issuer: "https://issuer.example",
  subject: "dana",
  actors: [{ issuer: "https://issuer.example", id: "bot" }],
  entitlement: "orders-delete",
  scope: "order/42",
  digest: undefined,
};

let server: RedemptionServer | undefined;
let client: RedemptionServiceClient | undefined;
const claims: RedemptionClaim[] = [];

let metrics: Metrics;

async function start(
  redeem: (isGone: () => boolean) => ReturnType<Redemption["redeem"]>,
  token: string | undefined = TOKEN,
  limits: {
    readonly maxInFlight?: number;
    readonly keepAlive?: { readonly everyMs: number; readonly withinMs: number };
  } = {},
) {
  claims.length = 0;
  metrics = createMetrics({ prefix: "t_" });
  const take: Redemption["redeem"] = (claim, isGone = () => false) => {
    claims.push(claim);
    return redeem(isGone);
  };
  const deps = {
    redeem: take,
    log: createLog({ name: "test", level: "silent" }),
    metrics,
    monotonicMs: () => performance.now(),
  };
  const at = { host: "127.0.0.1", port: 0, tls: undefined };
  server = await startRedemptionServer(deps, { ...at, ...limits, serviceToken: () => token });
  client = new RedemptionServiceClient(`127.0.0.1:${server.port}`, credentials.createInsecure());
}

afterEach(async () => {
  client?.close();
  await server?.[Symbol.asyncDispose]();
  client = undefined;
  server = undefined;
});

type Answer = { readonly error: ServiceError | null; readonly response: RedeemResponse | undefined };

function call(given: RedeemRequest, authorization: readonly string[]): Promise<Answer> {
  const metadata = new Metadata();
  for (const value of authorization) metadata.add("authorization", value);
  return new Promise((resolve) => client?.redeem(given, metadata, (error, response) => resolve({ error, response })));
}

const spent = () => Promise.resolve<RedemptionRefused>({ kind: "refused", reason: "spent" });

describe("redemption server", () => {
  test("does not start where anybody could spend grants", async () => {
    await expect(start(spent, "")).rejects.toThrow("anybody could spend grants");
    const deps = {
      redeem: spent,
      log: createLog({ name: "test", level: "silent" }),
      metrics: createMetrics({ prefix: "t_" }),
      monotonicMs: () => performance.now(),
    };
    const open = { host: "127.0.0.1", port: 0, tls: undefined, serviceToken: () => undefined };
    await expect(startRedemptionServer(deps, open)).rejects.toThrow("anybody could spend grants");
  });

  test.each(["0.0.0.0", "::", "10.0.0.1", "127.example.org"])("takes no token in plain text on %s", async (host) => {
    const deps = {
      redeem: spent,
      log: createLog({ name: "test", level: "silent" }),
      metrics: createMetrics({ prefix: "t_" }),
      monotonicMs: () => performance.now(),
    };
    const plain = { host, port: 0, tls: undefined, serviceToken: () => TOKEN };
    await expect(startRedemptionServer(deps, plain)).rejects.toThrow("loopback");
  });

  test.each([[[]], [["Bearer wrong"]], [[TOKEN]], [[`bearer ${TOKEN}`]]])(
    "%j is not the service token: refused before anything is executed",
    async (authorization: readonly string[]) => {
      await start(spent);
      expect((await call(request, authorization)).error?.code).toBe(status.UNAUTHENTICATED);
      expect(claims).toEqual([]);
    },
  );

  test.each<[string, Partial<RedeemRequest>]>([
    ["no id", { redemptionId: "" }],
    ["an actor without an id", { actors: [{ issuer: "i", id: "" }] }],
    ["an actor whose issuer holds U+0000", { actors: [{ issuer: "i\0", id: "bot" }] }],
    ["an id in upper case", { grantId: request.grantId.toUpperCase().replace("0193", "AAAA") }],
    ["a digest that is none", { digest: "abc" }],
    ["an empty scope", { scope: "" }],
    ["a null character", { subject: "da\0na" }],
  ])("%s is INVALID_ARGUMENT before anything is executed", async (_name, wrong) => {
    await start(spent);
    expect((await call({ ...request, ...wrong }, [`Bearer ${TOKEN}`])).error?.code).toBe(status.INVALID_ARGUMENT);
    expect(claims).toEqual([]);
  });

  test("a fault says that nothing is known, and nothing of its text", async () => {
    await start(() => Promise.reject(new Error("relation secrets does not exist")));
    const { error } = await call(request, [`Bearer ${TOKEN}`]);
    expect(error?.code).toBe(status.INTERNAL);
    expect(error?.details).not.toContain("secrets");
  });

  const whole = () => Buffer.from(RedeemRequest.encode(request).finish());
  const packed = (bytes: Buffer) => ({ body: frame(bytes, { flag: 1 }), headers: { "grpc-encoding": "gzip" } });

  test.each<[string, status, () => Partial<FrameCall>]>([
    ["bytes that are no message", status.INVALID_ARGUMENT, () => ({ body: frame(Buffer.from([0xff, 0xff])) })],
    ["a message cut off", status.INVALID_ARGUMENT, () => ({ body: frame(whole().subarray(0, 20)) })],
    ["an empty message", status.INVALID_ARGUMENT, () => ({ body: frame(Buffer.alloc(0)) })],
    ["a frame that ends before its length", status.UNIMPLEMENTED, () => ({ body: frame(whole(), { length: 1_000 }) })],
    ["two messages", status.UNIMPLEMENTED, () => ({ body: Buffer.concat([frame(whole()), frame(whole())]) })],
    ["more than a message may have", status.RESOURCE_EXHAUSTED, () => ({ body: frame(Buffer.alloc(65_537)) })],
    ["50 MiB packed into 50 KiB", status.RESOURCE_EXHAUSTED, () => packed(gzipSync(Buffer.alloc(50 * 2 ** 20)))],
    ["bytes that do not unpack", status.INTERNAL, () => packed(Buffer.from("garbage"))],
    ["another method", status.UNIMPLEMENTED, () => ({ path: "/countersign.v1.RedemptionService/Refund" })],
  ])("%s ends before anything is executed, and the next call is answered", async (_what, code, given) => {
    await start(spent);
    const sent = { path: RedemptionServiceService.redeem.path, body: frame(whole()), ...given() };
    const headers = { authorization: `Bearer ${TOKEN}`, ...sent.headers };
    const answer = await sendFrames(server?.port ?? 0, { ...sent, headers });
    expect(answer).toMatchObject({ grpcStatus: String(code), message: undefined });
    expect(claims).toEqual([]);
    expect((await call(request, [`Bearer ${TOKEN}`])).error).toBeNull();
  });

  test("a caller that has gone before its call was begun uses nothing", async () => {
    await start(spent);
    const headers = { authorization: `Bearer ${TOKEN}` };
    const path = RedemptionServiceService.redeem.path;
    await sendFrames(server?.port ?? 0, { path, headers, body: frame(whole()), after: "reset" });
    expect((await call({ ...request, scope: "later" }, [`Bearer ${TOKEN}`])).error).toBeNull();
    expect(claims.map(({ scope }) => scope)).toEqual(["later"]);
  });

  test.each(["cancels", "runs out of time"])(
    "a caller that %s while it stands in the process is known to have gone, and counted as cancelled",
    async (how) => {
      const { promise: dropped, resolve: drop } = Promise.withResolvers<void>();
      await start(async (isGone) => {
        if (isGone()) throw new Error("gone too early");
        await waitUntil("the caller to have gone", 30_000, isGone);
        drop();
        return { kind: "caller_gone" };
      });
      const metadata = new Metadata();
      metadata.add("authorization", `Bearer ${TOKEN}`);
      const deadline = Date.now() + (how === "cancels" ? 50_000 : 3_000);
      const answer = new Promise<ServiceError | null>((resolve) => {
        const under = client?.redeem(request, metadata, { deadline }, (error) => resolve(error));
        if (how === "cancels")
          void waitUntil("the call to be begun", 30_000, () => claims.length > 0).then(() => under?.cancel());
      });
      expect((await answer)?.code).toBe(how === "cancels" ? status.CANCELLED : status.DEADLINE_EXCEEDED);
      await dropped;
      const counted = 't_redemptions_total{outcome="error_cancelled"} 1';
      await waitUntil("it to be counted", 30_000, async () => (await metrics.expose()).text.includes(counted));
    },
  );

  test("its health is told to whoever asks, without a token; a use is not", async () => {
    await start(spent);
    expect(client && (await grpcHealth(client))).toBe("NOT_SERVING");
    server?.serving(true);
    expect(client && (await grpcHealth(client))).toBe("SERVING");
    expect((await call(request, [])).error?.code).toBe(status.UNAUTHENTICATED);
  });

  test("one too many is told so before anything is executed, by a word that nobody on the way would say", async () => {
    const gate = Promise.withResolvers<void>();
    await start(() => gate.promise.then(spent), TOKEN, { maxInFlight: 1 });
    const first = call(request, [`Bearer ${TOKEN}`]);
    await waitUntil("the first to be begun", 30_000, () => claims.length === 1);
    const { error } = await call(request, [`Bearer ${TOKEN}`]);
    expect([error?.code, error?.metadata.get("countersign-executed")]).toEqual([status.RESOURCE_EXHAUSTED, ["no"]]);
    expect((await call(request, [])).error?.code).toBe(status.UNAUTHENTICATED);
    gate.resolve();
    expect((await first).error).toBeNull();
    expect((await call(request, [`Bearer ${TOKEN}`])).error).toBeNull();
    expect(claims).toHaveLength(2);
  });

  test("a connection that answers no ping is cut", async () => {
    await start(spent, TOKEN, { keepAlive: { everyMs: 100, withinMs: 100 } });
    const socket = connect(server?.port ?? 0, "127.0.0.1");
    // The preface and empty settings: a caller that greets and then says nothing, whatever it is asked.
    socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", "latin1");
    socket.resume();
    await once(socket, "close", { signal: AbortSignal.timeout(5_000) });
  });

  test("a refusal is an outcome, not an error", async () => {
    await start(spent);
    const { response } = await call(request, [`Bearer ${TOKEN}`]);
    expect(response?.outcome).toEqual({ $case: "refused", value: { reason: RefusalReason.REFUSAL_REASON_SPENT } });
    expect(claims).toEqual([request]);
  });
});
