/** Messages at the redemption port that do not come on: nobody has memory of the service for long by them, and least of all who is not known. */
import { once } from "node:events";
import { connect } from "node:http2";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { status } from "@grpc/grpc-js";
import { createLog } from "../../../platform/log/log.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { RedemptionServiceService } from "../../../proto/gen/countersign/v1/redemption.ts";
import { frame, sendFrames } from "../../../test/harness/grpc-frames.ts";
import { type RedemptionServer, startRedemptionServer } from "./redemption-server.ts";

const TOKEN = "a-service-token-of-this-test";
const { path } = RedemptionServiceService.redeem;
const WHOLE = frame(Buffer.from("any message"));

let server: RedemptionServer;
/** Of the server's clock. */
let aheadMs = 0;

beforeEach(async () => {
  aheadMs = 0;
  server = await startRedemptionServer(
    {
      redeem: () => Promise.reject(new Error("nothing is redeemed here")),
      ...{ log: createLog({ name: "test", level: "silent" }), metrics: createMetrics({ prefix: "t_" }) },
      monotonicMs: () => performance.now() + aheadMs,
    },
    { host: "127.0.0.1", port: 0, tls: undefined, serviceToken: () => TOKEN, drainMs: 300 },
  );
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
});

/** Sends half of it, and has the clock go on. What it is answered when its stream has ended. */
async function half(authorization: string, ...laterMs: readonly number[]): Promise<unknown> {
  const session = connect(`http://127.0.0.1:${server.port}`).on("error", () => {});
  const head = { ":method": "POST", ":path": path, "content-type": "application/grpc", authorization };
  const stream = session.request(head).on("error", () => {});
  const told = once(stream, "response");
  await new Promise((resolve) => stream.resume().write(WHOLE.subarray(0, 9), resolve));
  for (const ms of laterMs) {
    aheadMs = ms;
    // Once round: whoever is asked about by then has been.
    const whole = await sendFrames(server.port, { path, body: WHOLE });
    expect(whole.grpcStatus).toBe(String(status.UNAUTHENTICATED));
  }
  const [headers] = await told;
  await waitUntil("the end of the stream", 30_000, () => stream.closed);
  session.destroy();
  return headers["grpc-status"];
}

test("somebody who shows no good token is told so before the message is whole, and the stream is closed", async () => {
  expect(await half("Bearer wrong", 1_000)).toBe(String(status.UNAUTHENTICATED));
});

test("who is known is waited for, and not without end", async () => {
  expect(await half(`Bearer ${TOKEN}`, 1_000, 60_000)).toBe(String(status.DEADLINE_EXCEEDED));
});
