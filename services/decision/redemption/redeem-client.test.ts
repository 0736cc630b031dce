import { Metadata, type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall, status } from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "@jest/globals";
import { id } from "../../../core/domain/id.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import {
  type RedeemRequest,
  type RedeemResponse,
  RedemptionServiceService,
} from "../../../proto/gen/countersign/v1/redemption.ts";
import { freePort } from "../../../test/harness/free-port.ts";
import type { Deadline } from "../ports.ts";
import { createRedeemClient } from "./redeem-client.ts";

const claim = {
  redemptionId: id("decision", "01930000-0000-7000-8000-000000000002"),
  grantId: id("grant", "01930000-0000-7000-8000-000000000003"),
  issuer: "i",
  subject: "dana",
  actors: [{ issuer: "i", id: "bot" }],
  entitlement: "orders-delete",
  scope: "order/42",
  digest: undefined,
};

function deadlineIn(ms: number): Deadline {
  const end = performance.now() + ms;
  const leftMs = () => end - performance.now();
  return { leftMs, within: (shorter) => deadlineIn(Math.min(shorter, leftMs())) };
}

type Handler = (call: ServerUnaryCall<RedeemRequest, RedeemResponse>, done: sendUnaryData<RedeemResponse>) => void;

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

async function clientOf(handler: Handler) {
  const server = new Server();
  const seen: string[] = [];
  server.addService(RedemptionServiceService, {
    redeem(call: ServerUnaryCall<RedeemRequest, RedeemResponse>, done: sendUnaryData<RedeemResponse>) {
      seen.push(String(call.metadata.get("authorization")[0]));
      handler(call, done);
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  open.push(() => server.forceShutdown());
  return { client: clientTo(port), seen, server };
}

function clientTo(port: number) {
  const client = createRedeemClient(
    { metrics: createMetrics({ prefix: "t_" }), onFault: () => {}, wallMs: () => Date.now() },
    { address: `127.0.0.1:${port}`, tls: undefined, serviceToken: () => "service" },
  );
  open.push(() => client[Symbol.dispose]());
  return client;
}

describe("one use of a grant", () => {
  test("is surely not executed when nobody listens", async () => {
    expect(await clientTo(await freePort()).redeem(claim, deadlineIn(150))).toEqual({ kind: "unavailable" });
  });

  test("is not sent with less than 50 ms left", async () => {
    const { client, seen } = await clientOf(() => {});
    expect(await client.redeem(claim, deadlineIn(40))).toEqual({ kind: "unavailable" });
    expect(seen).toEqual([]);
  });

  test("is unknown when it was sent and no answer came in time, and it was sent once", async () => {
    const { client, seen } = await clientOf(() => {});
    expect(await client.redeem(claim, deadlineIn(200))).toEqual({ kind: "unknown" });
    expect(seen).toHaveLength(1);
  });

  test("is unknown when the connection breaks after it was sent", async () => {
    const { client, server, seen } = await clientOf(() => server.forceShutdown());
    expect(await client.redeem(claim, deadlineIn(500))).toEqual({ kind: "unknown" });
    expect(seen).toHaveLength(1);
  });

  test.each([status.INTERNAL, status.UNAVAILABLE, status.UNKNOWN, status.RESOURCE_EXHAUSTED, status.ABORTED])(
    "is unknown after gRPC status %d, and is not tried again",
    async (code) => {
      const { client, seen } = await clientOf((_call, done) => done({ code, details: "" }));
      expect(await client.redeem(claim, deadlineIn(500))).toEqual({ kind: "unknown" });
      expect(seen).toHaveLength(1);
    },
  );

  test.each([status.UNAUTHENTICATED, status.PERMISSION_DENIED, status.INVALID_ARGUMENT, status.UNIMPLEMENTED])(
    "is not executed after gRPC status %d",
    async (code) => {
      const { client } = await clientOf((_call, done) => done({ code, details: "" }));
      expect(await client.redeem(claim, deadlineIn(500))).toEqual({ kind: "unavailable" });
    },
  );

  test("is not executed when the server says so of one call too many", async () => {
    const trailers = new Metadata();
    trailers.set("countersign-executed", "no");
    for (const [code, kind] of [
      [status.RESOURCE_EXHAUSTED, "unavailable"],
      [status.INTERNAL, "unknown"],
    ] as const) {
      const { client } = await clientOf((_call, done) => done({ code, details: "", metadata: trailers }));
      expect(await client.redeem(claim, deadlineIn(500))).toEqual({ kind });
    }
  });

  test("is unknown without an outcome or with a refusal that has no name", async () => {
    const empty = await clientOf((_call, done) => done(null, {}));
    expect(await empty.client.redeem(claim, deadlineIn(500))).toEqual({ kind: "unknown" });
    const unnamed = await clientOf((_call, done) =>
      done(null, { outcome: { $case: "refused", value: { reason: 0 } } }),
    );
    expect(await unnamed.client.redeem(claim, deadlineIn(500))).toEqual({ kind: "unknown" });
  });

  test.each([
    [1, "spent"],
    [2, "expired"],
    [3, "revoked"],
    [4, "not_yet_active"],
    [5, "outside"],
    [6, "unknown_grant"],
    [7, "duplicate"],
  ] as const)("is refused as reason %d: %s", async (wire, reason) => {
    const { client } = await clientOf((_call, done) =>
      done(null, { outcome: { $case: "refused", value: { reason: wire } } }),
    );
    expect(await client.redeem(claim, deadlineIn(500))).toEqual({ kind: "refused", reason });
  });

  test("is granted with its count, asked for with the service's token", async () => {
    const { client, seen } = await clientOf(({ request }, done) =>
      done(null, { outcome: { $case: "granted", value: { grantId: request.grantId, uses: 2 } } }),
    );
    expect(await client.redeem(claim, deadlineIn(500))).toEqual({ kind: "granted", uses: 2 });
    expect(seen).toEqual(["Bearer service"]);
  });
});
