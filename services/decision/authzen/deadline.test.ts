/** One request has one deadline, by every way through HTTP: what it has waited to be known for is not there a second time. */
import { connect } from "node:net";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { instant } from "../../../core/domain/time.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { askingBy } from "../../../test/samples/asking.ts";
import { DENIED_BY_API } from "../../../test/samples/evaluation.ts";
import type { ApiCallers } from "../api/ports.ts";
import type { Deadline } from "../ports.ts";
import { startAuthzenServer } from "./server.ts";

const ALL_MS = 450;
const UNTIL_KNOWN_MS = 300;

let nowMs = 0;
let left: number[] = [];
let owned: (() => unknown)[] = [];

function deadlineIn(ms: number): Deadline {
  const end = nowMs + ms;
  return { leftMs: () => end - nowMs, within: (shorter) => deadlineIn(Math.min(shorter, end - nowMs)) };
}

/** Who asks waits for a turn before they are known. */
const callers: ApiCallers = {
  async authenticate() {
    nowMs += UNTIL_KNOWN_MS;
    return { kind: "client", client: { name: "c", subjects: new Map(), enforcer: false } };
  },
  vouch: () => ({ kind: "refused", reason: "subject_not_trusted" }),
  inOwnWords: (_caller, question) => question,
};

async function decided({ leftMs }: Deadline) {
  left.push(leftMs());
  return DENIED_BY_API;
}

let port = 0;
beforeEach(async () => {
  [nowMs, left, owned] = [0, [], []];
  const server = await startAuthzenServer(
    {
      ...{ callers, maxBatch: 2, newRequestId: () => "ours", metrics: createMetrics({ prefix: "t_" }) },
      faults: { report: (error) => void process.stderr.write(`fault: ${String(error)}\n`) },
      asking: askingBy((_question, { deadline }) => decided(deadline), callers),
      evaluateAside: (_question, _vouched, deadline) => decided(deadline),
      candidates: {
        offered: () => true,
        list: () => ({ kind: "candidates", revision: "r", entities: [{ type: "file", id: "1", properties: {} }] }),
      },
      readClocks: () => ({ wall: instant(Date.now()), monoMs: nowMs }),
      newDeadline: (ms = ALL_MS) => deadlineIn(ms),
      pause: async () => {},
      answers: { requestUrl: undefined, accessRequests: undefined, grants: { standing: () => "unknown" } },
    },
    {
      ...{ host: "127.0.0.1", port: 0, tls: undefined, baseUrl: "https://pdp.example" },
      ...{ maxBodyBytes: 4_096, maxInFlight: 2, drainMs: 500 },
    },
  );
  port = server.port;
  owned.push(() => server[Symbol.asyncDispose]());
});
afterEach(async () => {
  for (const end of owned.toReversed()) await end();
});

const QUESTION = {
  ...{ subject: { type: "user", id: "dana" }, action: { name: "read" }, resource: { type: "file", id: "1" } },
};
const BATCH = { ...QUESTION, evaluations: [{}] };
const TYPE = "application/json";
/** fastify takes this spelling of the type too, direct.ts does not. */
const OTHER_TYPE = "application/json;charset=utf-8";

const WAYS = [
  ["an evaluation", "evaluation", TYPE, QUESTION],
  ["an evaluation by the framework", "evaluation", OTHER_TYPE, QUESTION],
  ["a batch", "evaluations", TYPE, BATCH],
  ["a batch by the framework", "evaluations", OTHER_TYPE, BATCH],
  ["a search", "search/resource", TYPE, QUESTION],
] as const;

function asks(at: string, type: string, body: object) {
  const socket = connect(port, "127.0.0.1");
  owned.push(() => socket.destroy());
  let got = "";
  socket.on("error", () => {}).on("data", (chunk: Buffer) => (got += chunk.toString()));
  const text = JSON.stringify(body);
  const head = `POST /access/v1/${at} HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\ncontent-length: ${text.length}\r\n\r\n`;
  return {
    send: (...parts: readonly [begin: number, end?: number]) =>
      socket.write((parts[0] === 0 ? head : "") + text.slice(...parts)),
    answered: () => waitUntil("an answer", 2_000, () => got.startsWith("HTTP/1.1 200 ")),
  };
}

test.each(WAYS)(
  "%s has what is left of its time when its caller is known, and no more",
  async (_what, at, type, body) => {
    const { send, answered } = asks(at, type, body);
    send(0);
    await answered();
    expect(left).toEqual([ALL_MS - UNTIL_KNOWN_MS]);
  },
);

test.each(WAYS)("%s whose body is waited for loses none of its time by that", async (_what, at, type, body) => {
  const { send, answered } = asks(at, type, body);
  send(0, 9);
  await waitUntil("the caller to be known", 2_000, () => nowMs > 0);
  nowMs += 10 * ALL_MS;
  send(9);
  await answered();
  expect(left).toEqual([ALL_MS - UNTIL_KNOWN_MS]);
});
