import { connect } from "node:net";
import { afterEach, expect, jest, test } from "@jest/globals";
import { createLog } from "../log/log.ts";
import { createMetrics } from "../metrics/metrics.ts";
import { answers, type CheckResult, type OpsServer, startOpsServer } from "./ops-server.ts";

const log = createLog({ name: "test", level: "silent" });
let server: OpsServer | undefined;
afterEach(() => server?.close());

async function serving(checks: Record<string, () => CheckResult | Promise<CheckResult>>): Promise<string> {
  const metrics = createMetrics({ prefix: "product_" });
  metrics.counter("things_total", "Things", ["kind"]).inc({ kind: "small" });
  server = await startOpsServer(
    { metrics, checks: new Map(Object.entries(checks)), log },
    { host: "127.0.0.1", port: 0 },
  );
  return `http://127.0.0.1:${server.port}`;
}

test("one failed check, or one that throws, makes the process not ready, and the answer names it", async () => {
  const base = await serving({
    database: () => ({ status: "ok" }),
    bundle: () => {
      throw new Error("secret text");
    },
  });
  const answer = await fetch(`${base}/readyz`);
  expect(answer.status).toBe(503);
  expect(await answer.json()).toEqual({
    status: "failed",
    checks: { database: { status: "ok" }, bundle: { status: "failed", detail: "the check itself failed" } },
  });
});

/** Of a dependency that accepts what it is asked and never answers. */
const never = () => new Promise(() => {});
const AWAY: CheckResult = { status: "failed", detail: "away" };

test("a dependency that never answers is waited for half a second, and is told so itself", async () => {
  jest.useFakeTimers();
  try {
    const seen: unknown[] = [];
    const checked = answers((deadlineMs) => {
      seen.push(deadlineMs);
      return never();
    }, AWAY).then((result) => seen.push(result));
    await jest.advanceTimersByTimeAsync(499);
    expect(seen).toEqual([500]);
    await jest.advanceTimersByTimeAsync(1);
    await checked;
    expect(seen).toEqual([500, AWAY]);
  } finally {
    jest.useRealTimers();
  }
});

test("one dependency that never answers makes the process not ready, and does not keep that to itself", async () => {
  const base = await serving({
    database: () => answers(never, AWAY),
    stream: () => answers(() => Promise.resolve(), AWAY),
  });
  const answer = await fetch(`${base}/readyz`);
  expect([answer.status, await answer.json()]).toEqual([
    503,
    { status: "failed", checks: { database: AWAY, stream: { status: "ok" } } },
  ]);
});

test("a degraded process is ready and says so; it is healthy in any case", async () => {
  const base = await serving({ stream: () => ({ status: "degraded", detail: "stale" }) });
  const answer = await fetch(`${base}/readyz`);
  expect([answer.status, await answer.json()]).toEqual([
    200,
    { status: "degraded", checks: { stream: { status: "degraded", detail: "stale" } } },
  ]);
  expect((await fetch(`${base}/healthz`)).status).toBe(200);
});

test("metrics are this process's own; other paths and methods are refused", async () => {
  const base = await serving({});
  expect(await (await fetch(`${base}/metrics`)).text()).toContain('product_things_total{kind="small"} 1');
  const unknown = await fetch(`${base}/secrets`);
  expect([unknown.status, await unknown.text()]).toEqual([404, "not found: here are /healthz, /readyz, /metrics\n"]);
  expect((await fetch(`${base}/metrics`, { method: "POST" })).status).toBe(405);
});

test("a document is asked with the query; what it does not have is not found", async () => {
  server = await startOpsServer(
    {
      metrics: createMetrics({ prefix: "product_" }),
      checks: new Map(),
      log,
      documents: new Map([["/v1/lines", (query) => (query.get("id") === "1" ? '{"id":1}\n' : undefined)]]),
    },
    { host: "127.0.0.1", port: 0 },
  );
  const base = `http://127.0.0.1:${server.port}/v1/lines`;
  expect((await fetch(`${base}?id=2`)).status).toBe(404);
  expect(await (await fetch(`${base}?id=1`)).text()).toBe('{"id":1}\n');
});

test("addresses, queries and methods that are none are refused, and none of them is a fault", async () => {
  const base = await serving({});
  const port = Number(new URL(base).port);
  const lines = [
    "GET //readyz",
    "GET /%",
    "GET /healthz/..",
    "GET /healthz%00",
    "GET http://[",
    "GET *",
    "GET /readyz#x",
    "OPTIONS *",
  ];
  lines.push(`GET /${"x".repeat(12_000)}`, "DELETE /healthz", "PATCH /metrics?%=%", "TRACE /readyz");
  for (const line of lines) {
    const status = await new Promise<string>((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () =>
        socket.end(`${line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`),
      );
      let text = "";
      socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
      socket.on("close", () => resolve(text.slice(9, 12))).on("error", reject);
    });
    expect([line.slice(0, 40), status]).toEqual([line.slice(0, 40), expect.stringMatching(/^40[045]$/)]);
  }
  expect((await fetch(`${base}/readyz?%=%&%00`)).status).toBe(200);
});
