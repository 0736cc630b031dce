/** The API beyond its limits, over HTTP and over gRPC: what is too much is refused at once and never an allow, and an end waits for what is under way. */
import { credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { afterEach, expect, test } from "@jest/globals";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { DecisionServiceClient, type EvaluateRequest, Mode } from "../../../proto/gen/countersign/v1/decision.ts";
import { startAuthzen } from "../../../test/harness/authzen-server.ts";
import { askingBy, CALLERS } from "../../../test/samples/asking.ts";
import { DENIED_BY_API } from "../../../test/samples/evaluation.ts";
import type { Deadline } from "../ports.ts";
import { startDecisionServer } from "./grpc/server.ts";

const LIMITS = { host: "127.0.0.1", port: 0, tls: undefined, maxInFlight: 1, drainMs: 20_000 };
const MOST_BYTES = 4_096;
const owned: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of owned.splice(0).toReversed()) await end();
});

/** Answers when the gate is open. `left`: the time that each question was given. */
function gated() {
  const gate = Promise.withResolvers<void>();
  const left: number[] = [];
  const ask = async (_question: unknown, { deadline }: { readonly deadline: Deadline }) => {
    left.push(deadline.leftMs());
    await gate.promise;
    return DENIED_BY_API;
  };
  return { open: gate.resolve, left, asking: askingBy(ask) };
}

function deadlineOf(ms: number): Deadline {
  return { leftMs: () => ms, within: (shorter) => deadlineOf(Math.min(ms, shorter)) };
}

const faults = { report: (error: unknown) => void process.stderr.write(`fault: ${String(error)}\n`) };

/** Reflection is served by another server, with the same methods. */
async function overGrpc(grpcReflection: boolean) {
  const { asking, open, left } = gated();
  const server = await startDecisionServer(
    ...([
      {
        asking,
        callers: CALLERS,
        newDeadline: deadlineOf,
        pause: async () => {},
        monotonicMs: () => performance.now(),
        wallMs: () => Date.now(),
        faults,
        metrics: createMetrics({ prefix: "t_" }),
      },
      { ...LIMITS, maxMessageBytes: MOST_BYTES, deadlineMs: 20_000, maxBatch: 3, grpcReflection },
    ] as const),
  );
  owned.push(() => server[Symbol.asyncDispose]());
  const asker = new DecisionServiceClient(`127.0.0.1:${server.port}`, credentials.createInsecure());
  owned.push(() => asker.close());
  const evaluate = (deadlineMs = 15_000, name = "f1") => {
    const request: EvaluateRequest = {
      subject: { type: "user", id: "dana", properties: undefined },
      action: { name: "read", properties: undefined },
      resource: { type: "file", id: name, properties: undefined },
      ...{ context: undefined, mode: Mode.MODE_ASK },
    };
    return new Promise<status>((resolve) => {
      asker.evaluate(request, new Metadata(), { deadline: Date.now() + deadlineMs }, (error: ServiceError | null) =>
        resolve(error === null ? status.OK : error.code),
      );
    });
  };
  return { server, evaluate, open, left };
}

const SERVERS = [
  ["", false],
  [" with reflection", true],
] as const;

test.each(SERVERS)(
  "DecisionService%s: beyond the limit of calls in flight the next one is RESOURCE_EXHAUSTED and asks nothing, and the end waits for the first",
  async (_which, reflects) => {
    const { server, evaluate, open, left } = await overGrpc(reflects);
    const first = evaluate();
    await waitUntil("the first call to arrive", 30_000, () => left.length === 1);
    expect(await evaluate()).toBe(status.RESOURCE_EXHAUSTED);
    expect(left).toHaveLength(1);
    const ended = server[Symbol.asyncDispose]();
    open();
    expect(await first).toBe(status.OK);
    await ended;
  },
);

test.each(SERVERS)(
  "DecisionService%s: the caller's deadline counts when it is the earlier one, less the way back",
  async (_which, reflects) => {
    const { evaluate, open, left } = await overGrpc(reflects);
    open();
    for (const deadlineMs of [5_000, 60_000]) expect(await evaluate(deadlineMs)).toBe(status.OK);
    expect(left[0]).toBeLessThanOrEqual(4_980);
    expect(left[1]).toBeGreaterThan(10_000);
    expect(left[1]).toBeLessThanOrEqual(20_000);
  },
);

test.each(SERVERS)(
  "DecisionService%s: a message beyond the limit is refused before it is read, and asks nothing",
  async (_which, reflects) => {
    const { evaluate, open, left } = await overGrpc(reflects);
    open();
    expect(await evaluate(15_000, "x".repeat(MOST_BYTES))).toBe(status.RESOURCE_EXHAUSTED);
    expect(left).toEqual([]);
    expect(await evaluate()).toBe(status.OK);
  },
);

test("AuthZEN: beyond the limit of requests at once the next one is 503 with Retry-After and asks nothing, a body too large is 400 or 413, and the end waits for the first", async () => {
  const { asking, open, left } = gated();
  await using server = await startAuthzen(
    { asking, newDeadline: () => deadlineOf(450) },
    { ...LIMITS, maxBodyBytes: MOST_BYTES },
  );
  const evaluate = (name = "f1") =>
    fetch(`http://127.0.0.1:${server.port}/access/v1/evaluation`, {
      method: "POST",
      headers: { "content-type": "application/json", connection: "close" },
      body: JSON.stringify({
        ...{ subject: { type: "user", id: "dana" }, action: { name: "read" }, resource: { type: "file", id: name } },
      }),
    });
  expect([400, 413]).toContain((await evaluate("x".repeat(MOST_BYTES))).status);
  expect(left).toEqual([]);
  const first = evaluate();
  await waitUntil("the first request to arrive", 30_000, () => left.length === 1);
  const shed = await evaluate();
  expect([shed.status, shed.headers.get("retry-after")]).toEqual([503, "1"]);
  expect(left).toHaveLength(1);
  const ended = server.end();
  open();
  expect(await (await first).json()).toMatchObject({ decision: false });
  await ended;
});
