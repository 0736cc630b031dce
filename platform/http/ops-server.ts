/**
 * The operators' port of a process, separate so that it is never published with the service: `/healthz` (the process answers), `/readyz` (named
 * checks as JSON; 503 unless all required ones pass), `/metrics`, and further documents of a program as JSON. Any other address answers with a
 * list of those that exist.
 */
import { createServer, type ServerResponse } from "node:http";
import type { Log } from "../log/log.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { within } from "../within.ts";
import { portOf, STRICT } from "./connections.ts";

/** `ok` counts as ready; `degraded` too, but is shown; `failed` does not. `detail` is read by operators: no secrets. */
export interface CheckResult {
  readonly status: "ok" | "degraded" | "failed";
  readonly detail?: string;
}

/** NB: well within a second, after which a kubelet takes no answer for "not ready" unless told otherwise. */
const ANSWER_MS = 500;

/** A check that a dependency answers within `ANSWER_MS`, which `ask` is told; `ifNot` says what it means when it does not. */
export async function answers(ask: (deadlineMs: number) => Promise<unknown>, ifNot: CheckResult): Promise<CheckResult> {
  return within(ANSWER_MS, ask(ANSWER_MS)).then(
    () => ({ status: "ok" }),
    () => ifNot,
  );
}

export interface OpsServer extends AsyncDisposable {
  /** The port that was taken, also when 0 was asked for. */
  readonly port: number;
  close(): Promise<void>;
}

const OWN = ["/healthz", "/readyz", "/metrics"];

/** Starts listening. `checks` are called at each `/readyz`; one that throws counts as failed. Rejects when the port is not free. */
export async function startOpsServer(
  {
    metrics,
    checks,
    log,
    documents = new Map(),
  }: {
    readonly metrics: Metrics;
    readonly checks: ReadonlyMap<string, () => CheckResult | Promise<CheckResult>>;
    readonly log: Log;
    /** By path: asked at each request with its query. An object is answered as JSON, text as the NDJSON that it is; undefined is 404. */
    readonly documents?: ReadonlyMap<string, (query: URLSearchParams) => object | string | undefined>;
  },
  { host, port }: { readonly host: string; readonly port: number },
): Promise<OpsServer> {
  const server = createServer(STRICT, (request, response) => {
    const [path, query] = (request.url ?? "").split("?", 2);
    if (request.method !== "GET" && request.method !== "HEAD")
      return send(response, 405, "text/plain", "method not allowed\n");
    answer(path, new URLSearchParams(query), response).catch((error: unknown) => {
      log.error({ event: "ops_request_failed", err: error, path }, "a request at the operators' port failed");
      send(response, 500, "text/plain", "internal error\n");
    });
  });
  // An operators' port is scraped by machines nearby; nobody needs a slow connection.
  server.requestTimeout = 10_000;
  server.keepAliveTimeout = 5_000;

  async function answer(path: string | undefined, query: URLSearchParams, response: ServerResponse): Promise<void> {
    if (path === "/healthz") return send(response, 200, "application/json", '{"status":"ok"}\n');
    if (path === "/readyz") {
      const report = await readiness(checks, log);
      return send(response, report.status === "failed" ? 503 : 200, "application/json", `${JSON.stringify(report)}\n`);
    }
    if (path === "/metrics") {
      const { contentType, text } = await metrics.expose();
      return send(response, 200, contentType, text);
    }
    const document = documents.get(path ?? "")?.(query);
    if (typeof document === "string") return send(response, 200, "application/x-ndjson", document);
    if (document !== undefined) return send(response, 200, "application/json", `${JSON.stringify(document)}\n`);
    return send(response, 404, "text/plain", `not found: here are ${[...OWN, ...documents.keys()].join(", ")}\n`);
  }

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const ops: OpsServer = {
    port: portOf(server),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
    [Symbol.asyncDispose]: () => ops.close(),
  };
  return ops;
}

async function readiness(
  checks: ReadonlyMap<string, () => CheckResult | Promise<CheckResult>>,
  log: Log,
): Promise<{ status: CheckResult["status"]; checks: Record<string, CheckResult> }> {
  const results = await Promise.all(
    [...checks].map(async ([name, check]): Promise<[string, CheckResult]> => {
      try {
        return [name, await check()];
      } catch (error) {
        log.warn(
          { event: "readiness_check_threw", err: error, check: name },
          "a readiness check threw; the part counts as not ready",
        );
        return [name, { status: "failed", detail: "the check itself failed" }];
      }
    }),
  );
  const statuses = results.map(([, { status }]) => status);
  const status = statuses.includes("failed") ? "failed" : statuses.includes("degraded") ? "degraded" : "ok";
  return { status, checks: Object.fromEntries(results) };
}

function send(response: ServerResponse, status: number, contentType: string, text: string): void {
  response.writeHead(status, { "content-type": contentType, "cache-control": "no-store" }).end(text);
}
