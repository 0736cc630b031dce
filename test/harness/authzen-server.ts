/**
 * The API over HTTP in the process of a test, which says only what it is about; and connections by hand, so that a request can be sent in part, many
 * on one connection, or be left.
 */
import { connect, type Socket } from "node:net";
import { instant } from "../../core/domain/time.ts";
import { createMetrics } from "../../platform/metrics/metrics.ts";
import { startAuthzenServer } from "../../services/decision/authzen/server.ts";
import { CALLERS } from "../samples/asking.ts";
import { LEFT } from "../samples/evaluation.ts";

type Deps = Parameters<typeof startAuthzenServer>[0];
type Options = Parameters<typeof startAuthzenServer>[1];
type Server = Awaited<ReturnType<typeof startAuthzenServer>>;

/** `got`: all that came back; `statuses`: of each answer. */
type Sent = { readonly socket: Socket; got(): string; statuses(): readonly number[] };

/** Disposing of it ends the connections of `sends` first. */
type AuthzenInProcess = Server & {
  /** On a connection of its own. */
  sends(text?: string): Sent;
  /** As a service ends: whoever is connected is answered. */
  end(): PromiseLike<void>;
};

/** `asking` as samples/asking.ts makes it. No search finds anything (`filesFound`), and a fault is written to stderr, unless the test says so. */
export async function startAuthzen(
  given: Pick<Deps, "asking"> & Partial<Deps>,
  options: Partial<Options> = {},
): Promise<AuthzenInProcess> {
  const server = await startAuthzenServer(
    {
      ...{ callers: CALLERS, maxBatch: 2, newRequestId: () => "ours", metrics: createMetrics({ prefix: "t_" }) },
      faults: { report: (error) => void process.stderr.write(`fault: ${String(error)}\n`) },
      evaluateAside: () => Promise.reject(new Error("not asked")),
      candidates: { offered: () => false, list: () => ({ kind: "none" }) },
      readClocks: () => ({ wall: instant(Date.now()), monoMs: performance.now() }),
      newDeadline: () => LEFT,
      pause: async () => {},
      answers: { requestUrl: undefined, accessRequests: undefined, grants: { standing: () => "unknown" } },
      ...given,
    },
    {
      ...{ host: "127.0.0.1", port: 0, tls: undefined, baseUrl: "https://pdp.example" },
      ...{ maxBodyBytes: 4_096, maxInFlight: 2, drainMs: 500 },
      ...options,
    },
  );
  const sockets: Socket[] = [];
  return {
    ...server,
    sends(text = "") {
      const socket = connect(server.port, "127.0.0.1");
      sockets.push(socket);
      let got = "";
      socket.setEncoding("utf8").on("data", (chunk: string) => (got += chunk));
      socket.on("error", () => {});
      socket.write(text);
      const statuses = () => [...got.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));
      return { socket, got: () => got, statuses };
    },
    end: () => server[Symbol.asyncDispose](),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** What a search finds: so many files. */
export function filesFound(count: number): Deps["candidates"] {
  const entities = Array.from({ length: count }, (_, n) => ({ type: "file", id: `${n}`, properties: {} }));
  return { offered: () => true, list: () => ({ kind: "candidates", revision: "r", entities }) };
}

export type Way = { readonly at: string; readonly type: string };

export const TYPE = "application/json";
/** fastify takes this spelling of the type too, direct.ts does not. */
export const OTHER_TYPE = "application/json;charset=utf-8";

export type Asked = Way & { readonly body: object };

const QUESTION = {
  ...{ subject: { type: "user", id: "dana" }, action: { name: "read" }, resource: { type: "file", id: "1" } },
};
export const EVALUATION: Asked = { at: "evaluation", type: TYPE, body: QUESTION };

/** Every way by which something is asked; a batch asks so many questions. */
export function everyWay(items: number): readonly (readonly [what: string, asked: Asked])[] {
  const batch = { ...QUESTION, evaluations: Array.from({ length: items }, () => ({})) };
  return [
    ["an evaluation", EVALUATION],
    ["an evaluation by the framework", { at: "evaluation", type: OTHER_TYPE, body: QUESTION }],
    ["a batch", { at: "evaluations", type: TYPE, body: batch }],
    ["a batch by the framework", { at: "evaluations", type: OTHER_TYPE, body: batch }],
    ["a search", { at: "search/resource", type: TYPE, body: QUESTION }],
  ];
}

/** A request as it is sent. `bytes`: how much of its body. `more`: further header lines, each with its end. */
export function requestText({ at, type, body }: Asked, { bytes = Number.POSITIVE_INFINITY, more = "" } = {}): string {
  const whole = JSON.stringify(body);
  return `POST /access/v1/${at} HTTP/1.1\r\nhost: x\r\n${more}content-type: ${type}\r\ncontent-length: ${whole.length}\r\n\r\n${whole.slice(0, bytes)}`;
}
