/** More calls than there is processor time for; a method here takes time by moving the server's clock. */
import { type ClientHttp2Session, connect } from "node:http2";
import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { frame } from "../../../test/harness/grpc-frames.ts";
import type { Serving, Terms } from "../terms.ts";
import { startHttp2Server } from "./server.ts";

const SAY = "/test.v1.Echo/Say";
const HEALTH = "/grpc.health.v1.Health/Check";
const MAX_IN_FLIGHT = 150;
/** As many as the connection takes. */
const CALLS = MAX_IN_FLIGHT * 2;
/** So long that what this machine itself takes counts little. */
const DEADLINE_MS = 10_000;

let server: Serving;
let session: ClientHttp2Session;
let asked: Terms[];
let aheadMs: number;
let stepMs: number;

beforeEach(async () => {
  [asked, aheadMs, stepMs] = [[], 0, 0];
  const answer = async (message: Buffer, terms: Terms) => {
    asked.push(terms);
    if (!terms.shed) aheadMs += stepMs;
    return message;
  };
  server = await startHttp2Server(
    {
      monotonicMs: () => performance.now() + aheadMs,
      onFault: (error) => {
        throw error;
      },
    },
    new Map([[SAY, { kind: "unary", answer }]]),
    {
      ...{ host: "127.0.0.1", port: 0, tls: undefined, drainMs: 300, service: "test.v1.Echo" },
      ...{ maxReceiveBytes: 1_000, maxInFlight: MAX_IN_FLIGHT, deadlineMs: DEADLINE_MS },
    },
  );
  session = connect(`http://127.0.0.1:${server.port}`);
  await new Promise((resolve) => session.once("remoteSettings", resolve));
});
afterEach(async () => {
  session.destroy();
  await server[Symbol.asyncDispose]();
});

function call(path: string, headers: { readonly "grpc-timeout"?: string } = {}): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let said: string | undefined;
    const note = (received: Readonly<Record<string, unknown>>) => {
      if (received["grpc-status"] !== undefined) said = status[Number(received["grpc-status"])];
    };
    session
      .request({ ":method": "POST", ":path": path, "content-type": "application/grpc", ...headers })
      .on("error", reject)
      .on("response", note)
      .on("trailers", note)
      .on("close", () => resolve(said))
      .resume()
      .end(frame(Buffer.alloc(0)));
  });
}

const manyAtOnce = (headers = {}, calls = CALLS) => Array.from({ length: calls }, () => call(SAY, headers));

describe("calls that take their time one after the other", () => {
  afterEach(() => {
    expect(asked).toHaveLength(CALLS); // each is told, and can be put on record
    expect(asked[0]?.shed).toBe(false);
    expect(asked.at(-1)?.shed).toBe(true);
  });

  test("are shed once they have waited for half of the time there is, which counts from when they came", async () => {
    stepMs = DEADLINE_MS / 200;
    expect(new Set(await Promise.all(manyAtOnce()))).toEqual(new Set(["OK"]));
    expect(asked.filter(({ leftMs, shed }) => shed !== leftMs < DEADLINE_MS / 2)).toEqual([]);
  });

  test("are shed while their callers still wait, when these have less time than that", async () => {
    stepMs = 20;
    expect(new Set(await Promise.all(manyAtOnce({ "grpc-timeout": "4020m" })))).toEqual(new Set(["OK"]));
    const leftToShed = asked.flatMap(({ leftMs, shed }) => (shed ? [leftMs] : []));
    expect(Math.min(...leftToShed)).toBeGreaterThan(0);
    expect(Math.max(...leftToShed)).toBeLessThanOrEqual(2_000);
  });
});

test("after a stall, what is there at once is not shed where half of the time is enough for it", async () => {
  stepMs = DEADLINE_MS / 2 / CALLS / 2;
  expect(new Set(await Promise.all(manyAtOnce()))).toEqual(new Set(["OK"]));
  expect(asked.filter(({ shed }) => shed)).toEqual([]);
  expect(asked).toHaveLength(CALLS);
});

test("a probe of health does not wait behind them", async () => {
  const calls = manyAtOnce({}, CALLS - 1);
  expect(await call(HEALTH)).toBe("OK");
  expect(asked.length).toBeLessThan(CALLS - 1);
  await Promise.all(calls);
  expect(asked).toHaveLength(CALLS - 1);
});
