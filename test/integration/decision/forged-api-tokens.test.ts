/**
 * Tokens that anybody can send to a port of the API, with signatures that have to be verified before they are refused: how many of those one turn of the
 * event loop takes, whichever way they come, and that whoever is known does not wait behind them.
 */
import { generateKeyPairSync } from "node:crypto";
import http2 from "node:http2";
import { setImmediate as turn } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import { afterEach, expect, test } from "@jest/globals";
import { createIdentify } from "../../../core/identity/identify.ts";
import * as sample from "../../samples/tokens.ts";
import { createSignatureTurns } from "../../../core/identity/signature-turns.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { DecisionServiceService } from "../../../proto/gen/countersign/v1/decision.ts";
import { EVALUATION, OTHER_TYPE, requestText, startAuthzen, TYPE } from "../../harness/authzen-server.ts";
import { frame } from "../../harness/grpc-frames.ts";
import { askingBy } from "../../samples/asking.ts";
import { DENIED_BY_API } from "../../samples/evaluation.ts";
import { createApiCallers } from "../../../services/decision/api/callers.ts";
import { startDecisionServer } from "../../../services/decision/authzen/grpc/server.ts";

const FORGED = 40;
const MANY = 1_000;
const UNAUTHENTICATED: number = status.UNAUTHENTICATED;
const AT = { host: "127.0.0.1", port: 0, tls: undefined, maxInFlight: 256, drainMs: 500 } as const;
const issuers = sample.issuersOf({});
const keySet = sample.keySetOf(sample.jwksOf({ ed25519: sample.keys.ed25519 }));
const forger = generateKeyPairSync("ed25519").privateKey;
const forged = Array.from({ length: FORGED }, (_, n) =>
  sample.token(sample.claims({ jti: `${n}` }), {}, "EdDSA", forger),
);
const known = sample.token(sample.claims());

const owned: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of owned.splice(0).toReversed()) await end();
});

/** `perTurnMs`: less than any signature takes, so one of them is all that a turn has. */
function setUp({
  mostUnknown = MANY,
  isGone = () => false,
}: {
  readonly mostUnknown?: number;
  readonly isGone?: () => boolean;
} = {}) {
  let verified = 0;
  const turns = createSignatureTurns({ monotonicMs: () => performance.now() }, { maxWaiting: MANY, perTurnMs: 0.001 });
  const timed: typeof turns.timed = (verify) =>
    turns.timed((...about) => {
      verified += 1;
      return verify(...about);
    });
  const keySets = { current: () => keySet, requestRefresh: () => {} };
  const identity = createIdentify({ issuers, keySets, turns: { ...turns, timed } });
  const callers = createApiCallers({ identity, issuers, now: () => sample.NOW }, [], { mostUnknown });
  const deadline = { leftMs: () => (isGone() ? 0 : 5_000), within: () => deadline };
  const shared = {
    ...{ callers, asking: askingBy(async () => DENIED_BY_API, callers), metrics: createMetrics({ prefix: "t_" }) },
    ...{ maxBatch: 2, pause: async () => {}, newDeadline: () => deadline },
    faults: { report: (error: unknown) => void process.stderr.write(`fault: ${String(error)}\n`) },
  };
  /** The most that were verified from one turn of the loop to the next until `isOver`. */
  async function mostInATurn(isOver: () => boolean): Promise<number> {
    let most = 0;
    for (let seen = verified; !isOver(); seen = verified) {
      await turn();
      most = Math.max(most, verified - seen);
    }
    return most;
  }
  return { shared, mostInATurn, verified: () => verified };
}

async function overHttp(shared: ReturnType<typeof setUp>["shared"]) {
  const readClocks = () => ({ wall: sample.NOW, monoMs: performance.now() });
  const server = await startAuthzen({ ...shared, readClocks }, AT);
  owned.push(() => server[Symbol.asyncDispose]());
  /** Everything at once on one connection, so that the server reads it in one turn. */
  return (tokens: readonly string[], type: string) =>
    server.sends(tokens.map((token) => request(token, type)).join("")).statuses;
}

const WAYS = [
  ["directly", TYPE],
  ["by the framework", OTHER_TYPE],
] as const;

const request = (token: string, type: string) =>
  requestText({ ...EVALUATION, type }, { more: `authorization: Bearer ${token}\r\n` });

test.each(WAYS)(
  "AuthZEN %s: a turn verifies one of many forged tokens, and who is known is answered among them",
  async (_how, type) => {
    const { shared, mostInATurn, verified } = setUp();
    const send = await overHttp(shared);
    const first = send([known], type);
    await waitUntil("the first answer", 30_000, () => first().length === 1);
    const before = verified();
    const flood = send(forged, type);
    const honest = send([known], type);
    let aheadOf = 0;
    const most = await mostInATurn(() => {
      if (honest().length === 0) aheadOf = FORGED - (verified() - before);
      return flood().length === FORGED;
    });
    expect([first(), honest()]).toEqual([[200], [200]]);
    expect(new Set(flood())).toEqual(new Set([401]));
    expect(verified() - before).toBe(FORGED);
    expect(most).toBeLessThanOrEqual(2);
    expect(aheadOf).toBeGreaterThan(FORGED / 2);
  },
);

test.each(WAYS)(
  "AuthZEN %s: of callers who wait to be known there are only so many; the others are told 503",
  async (_how, type) => {
    const { shared, verified } = setUp({ mostUnknown: 8 });
    const send = await overHttp(shared);
    const flood = send(forged, type);
    await waitUntil("all answers", 30_000, () => flood().length === FORGED);
    expect(flood().filter((one) => one === 401)).toHaveLength(verified());
    expect(flood().filter((one) => one === 503).length).toBeGreaterThan(FORGED / 2);
    expect(new Set(flood())).toEqual(new Set([401, 503]));
  },
);

test("AuthZEN: a token whose time is over when its turn comes is not verified, and its caller told 503", async () => {
  let isGone = () => false;
  const { shared, verified } = setUp({ isGone: () => isGone() });
  isGone = () => verified() > 0; // from the first signature on
  const send = await overHttp(shared);
  const flood = send(forged, TYPE);
  await waitUntil("all answers", 30_000, () => flood().length === FORGED);
  expect(verified()).toBeLessThan(FORGED);
  expect(flood()).toContain(503);
});

/** `isWhole`: each message ends; otherwise it is due to be asked who calls. */
async function floodGrpc({ mostUnknown = MANY, isWhole = true } = {}) {
  const { shared, mostInATurn, verified } = setUp({ mostUnknown });
  let aheadMs = 0;
  const server = await startDecisionServer(
    { ...shared, monotonicMs: () => performance.now() + aheadMs, wallMs: () => Date.now() },
    { ...AT, maxMessageBytes: 4_096, deadlineMs: 5_000, maxBatch: 2, grpcReflection: false },
  );
  owned.push(() => server[Symbol.asyncDispose]());
  const session = http2.connect(`http://127.0.0.1:${server.port}`).on("error", () => {});
  owned.push(() => session.destroy());
  const { path } = DecisionServiceService.evaluate;
  const codes: number[] = [];
  const written = forged.map(async (token) => {
    const stream = session.request({
      ...{ ":method": "POST", ":path": path, "content-type": "application/grpc", authorization: `Bearer ${token}` },
    });
    stream.on("error", () => {}).on("response", (headers) => codes.push(Number(headers["grpc-status"])));
    stream.resume();
    if (isWhole) stream.end(frame(Buffer.alloc(0)));
    else await new Promise((resolve) => stream.write(Buffer.alloc(3), resolve));
  });
  await Promise.all(written);
  if (!isWhole) await new Promise((resolve) => session.ping(resolve));
  expect(verified() === 0 || isWhole).toBe(true);
  aheadMs = isWhole ? 0 : 1_000;
  const most = await mostInATurn(() => codes.length === FORGED);
  return { codes, most, verified: verified() };
}

test.each([
  ["a message", true],
  ["half a message, which are due to be asked together", false],
])("DecisionService: of many forged tokens with %s, a turn verifies one", async (_what, isWhole) => {
  const { codes, most, verified } = await floodGrpc({ isWhole });
  expect(new Set(codes)).toEqual(new Set([status.UNAUTHENTICATED]));
  expect(verified).toBe(FORGED);
  expect(most).toBeLessThanOrEqual(2);
});

test.each([true, false])(
  "DecisionService: beyond those who may wait to be known it is RESOURCE_EXHAUSTED (whole messages: %s)",
  async (isWhole) => {
    const { codes, verified } = await floodGrpc({ isWhole, mostUnknown: 2 });
    expect(new Set(codes)).toEqual(new Set([status.UNAUTHENTICATED, status.RESOURCE_EXHAUSTED]));
    expect(codes.filter((one) => one === UNAUTHENTICATED)).toHaveLength(verified);
  },
);
