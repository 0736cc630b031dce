/** Checks that come too late, on a thousand connections at once, and beside clients that never end theirs, against the decision service as a process. */
import { mkdtemp, rm } from "node:fs/promises";
import { type ClientHttp2Session, connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { CheckResponse } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { sampleCheck } from "../../bench/check/sample-check.ts";
import { metricTotal } from "../../harness/metrics.ts";
import { percentile } from "../../fault/percentile.ts";
import { frame, sendFrames } from "../../harness/grpc-frames.ts";
import { growthOver, HEAP_AFTER_GC, LEAK_PER_CALL, LEAKING_BYTES } from "../../harness/held-bytes.ts";
import { watchOpen } from "../../harness/watch-open.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { startLoneDecision, token } from "./lone-decision.ts";
import { CHECK_PATH, createRawEnforcer, outcomeOf } from "./raw-checks.ts";

const AT_ONCE = 32;
const CONNECTIONS = 1_000;
/** On each of them: two calls show a leak of what a call keeps beside what a process grows by while it becomes warm. */
const CALLS_ON_EACH = 2;
const MEASURED = { warmUp: 2 * CONNECTIONS, rounds: 5, calls: CONNECTIONS };
/** What it may open or close for itself between two looks: a file of its log, a connection that asks for its metrics. */
const OWN_FILES = 5;
const SLOW_CLIENTS = 200;
/** Of which the p99 is the third slowest. */
const CALLS = 200;
const ROUNDS = 5;
/** A machine that is busy may be so in one of two measurements alone, but not in each of so many rounds. */
const SLOWER = { times: 2, ms: 20 };

const owned = new AsyncDisposableStack();
let folder: string;
let service: Decision;
let enforcer: ReturnType<typeof createRawEnforcer>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "crowded-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  service = owned.use(await startLoneDecision({ folder, name: "decision", preload: [HEAP_AFTER_GC] }));
  enforcer = owned.adopt(createRawEnforcer(service.port), (one) => one.close());
});
afterAll(() => owned.disposeAsync());
afterEach(async () => {
  expect(service.isRunning()).toBe(true);
  expect(await enforcer.ask(sampleCheck("GET", token()))).toBe("allow");
});

const count = (name: string, labels = {}) => metricTotal(service.opsUrl, `countersign_decision_${name}`, labels);

test("a deadline that is over when the call arrives is an explicit denial or DEADLINE_EXCEEDED, and no policy is asked", async () => {
  const counts = async () => ({
    allows: await count("decisions_total", { outcome: "allow" }),
    evaluations: await count("policy_evaluation_seconds_count"),
  });
  expect(await enforcer.ask(sampleCheck("GET", token()))).toBe("allow");
  const before = await counts();
  expect(Math.min(before.allows, before.evaluations)).toBeGreaterThan(0); // both are counted
  const late = { path: CHECK_PATH, headers: { "grpc-timeout": "1n" }, body: frame(sampleCheck("GET", token())) };
  // Which of the two depends on who is faster.
  await waitUntil("one of them to be denied", 30_000, async () => {
    const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => sendFrames(service.port, late)));
    for (const { message, grpcStatus } of answers) {
      if (message === undefined) expect(grpcStatus).toBe(String(status.DEADLINE_EXCEEDED));
      else expect(outcomeOf(CheckResponse.decode(message))).toBe("deny");
    }
    return (await count("decisions_total", { outcome: "deny", reason: "deadline_exceeded" })) > 0;
  });
  expect(await counts()).toEqual(before);
});

describe(`${CONNECTIONS} connections at once, again and again`, () => {
  test("all are answered, and gone when their clients are, and nothing is held of them", async () => {
    expect(await growthOf("sound", service)).toBeLessThan(CALLS_ON_EACH * LEAKING_BYTES);
  }, 300_000);

  test("a service that kept 200 bytes of each call would be seen", async () => {
    const preload = [HEAP_AFTER_GC, LEAK_PER_CALL];
    await using leaking = await startLoneDecision({ folder, name: "leaking", preload });
    expect(await growthOf("leaking", leaking)).toBeGreaterThan(CALLS_ON_EACH * LEAKING_BYTES);
  }, 300_000);

  /** Bytes for each connection. */
  async function growthOf(name: string, { port, opsUrl, ...program }: Decision): Promise<number> {
    const watch = await watchOpen(opsUrl, OWN_FILES);
    const body = frame(sampleCheck("DELETE", token()));
    return growthOver(`${name}, connections`, program, MEASURED, async (count) => {
      for (let left = count; left > 0; left -= CONNECTIONS) {
        const sessions = await Promise.all(Array.from({ length: CONNECTIONS }, () => open(port)));
        for (let call = 0; call < CALLS_ON_EACH; call += 1) {
          const answers = await Promise.all(sessions.map((session) => denied(session, body)));
          expect(new Set(answers)).toEqual(new Set([true]));
        }
        expect(await watch.moreFiles()).toBeGreaterThanOrEqual(CONNECTIONS - OWN_FILES);
        for (const session of sessions) session.destroy();
        await watch.letGo();
      }
    });
  }
});

test(`${SLOW_CLIENTS} clients that send half a call and then nothing hold up nobody: the p99 of others is what it is without them`, async () => {
  const half = frame(sampleCheck("GET", token())).subarray(0, 700);
  const seen: string[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    const aloneMs = await p99Ms();
    const sessions = await Promise.all(Array.from({ length: SLOW_CLIENTS }, () => open(service.port)));
    for (const session of sessions)
      session
        .request(HEADERS)
        .on("error", () => {})
        .write(half);
    const besideMs = await p99Ms();
    for (const session of sessions) session.destroy();
    if (besideMs <= SLOWER.times * aloneMs + SLOWER.ms) return;
    seen.push(`${besideMs.toFixed(1)} ms beside them, ${aloneMs.toFixed(1)} ms without`);
  }
  throw new Error(`slower in each round: ${seen.join("; ")}`);
}, 300_000);

/** Of honest calls, one after the other. */
async function p99Ms(): Promise<number> {
  const bytes = sampleCheck("GET", token());
  const took: number[] = [];
  for (let call = 0; call < CALLS; call += 1) {
    const begun = performance.now();
    expect(await enforcer.ask(bytes)).toBe("allow");
    took.push(performance.now() - begun);
  }
  return percentile(took, 99);
}

const HEADERS = { ":method": "POST", ":path": CHECK_PATH, "content-type": "application/grpc", te: "trailers" };

function open(port: number): Promise<ClientHttp2Session> {
  return new Promise((resolve, reject) => {
    const session = connect(`http://127.0.0.1:${port}`);
    session.once("connect", () => resolve(session));
    session.once("error", reject);
  });
}

function denied(session: ClientHttp2Session, body: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const stream = session.request(HEADERS);
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", () => resolve(false));
    stream.on("close", () =>
      resolve(chunks.length > 0 && outcomeOf(CheckResponse.decode(Buffer.concat(chunks).subarray(5))) === "deny"),
    );
    stream.end(body);
  });
}
