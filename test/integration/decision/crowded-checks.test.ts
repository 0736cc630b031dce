/** Checks that come too late, on a thousand connections at once, and beside clients that never end theirs, against the decision service as a process. */
import { mkdtemp, rm } from "node:fs/promises";
import { type ClientHttp2Session, connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { CheckResponse } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { sampleCheck } from "../../bench/check/sample-check.ts";
import { metricTotal } from "../../harness/metrics.ts";
import { percentile } from "../../fault/percentile.ts";
import { frame, sendFrames } from "../../harness/grpc-frames.ts";
import { HEAP_AFTER_GC, heldBytes } from "../../harness/held-bytes.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { startLoneDecision, token } from "./lone-decision.ts";
import { CHECK_PATH, createRawEnforcer, outcomeOf } from "./raw-checks.ts";

const AT_ONCE = 32;
const CONNECTIONS = 1_000;
/** In the round of connections that it grows least in: less than 2 KiB for each of them. */
const MOST_KEPT_BYTES = 2_048 * CONNECTIONS;
/** What it may open or close for itself between two looks: a file of its log, a connection that asks for its metrics. */
const OWN_FILES = 5;
const SLOW_CLIENTS = 200;
/** Of which the p99 is the third slowest. */
const CALLS = 200;
const ROUNDS = 5;
/** A machine that is busy may be so in one of two measurements alone, but not in each of so many rounds. */
const SLOWER = { times: 2, ms: 20 };

const owned = new AsyncDisposableStack();
let service: Decision;
let enforcer: ReturnType<typeof createRawEnforcer>;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "crowded-"));
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

test(`${CONNECTIONS} connections at once are all answered, and gone when their clients are; again and again, and memory stays`, async () => {
  const openFiles = () => metricTotal(service.opsUrl, "process_open_fds");
  const before = await openFiles();
  const round = async () => {
    const sessions = await Promise.all(Array.from({ length: CONNECTIONS }, open));
    const body = frame(sampleCheck("DELETE", token()));
    const answers = await Promise.all(sessions.map((session) => denied(session, body)));
    expect(new Set(answers)).toEqual(new Set([true]));
    expect(await openFiles()).toBeGreaterThanOrEqual(before + CONNECTIONS - OWN_FILES);
    for (const session of sessions) session.destroy();
    await waitUntil("the service to let go of them", 20_000, async () => (await openFiles()) <= before + OWN_FILES);
    return heldBytes(service);
  };
  const held = [await round(), await round(), await round(), await round()];
  const kept = held.slice(1).map((bytes, at) => bytes - (held[at] ?? 0));
  expect(Math.min(...kept)).toBeLessThan(MOST_KEPT_BYTES);
}, 300_000);

test(`${SLOW_CLIENTS} clients that send half a call and then nothing hold up nobody: the p99 of others is what it is without them`, async () => {
  const half = frame(sampleCheck("GET", token())).subarray(0, 700);
  const seen: string[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    const aloneMs = await p99Ms();
    const sessions = await Promise.all(Array.from({ length: SLOW_CLIENTS }, open));
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

function open(): Promise<ClientHttp2Session> {
  return new Promise((resolve, reject) => {
    const session = connect(`http://127.0.0.1:${service.port}`);
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
