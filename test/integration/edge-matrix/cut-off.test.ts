/**
 * The bodies of the edge matrix that are cut off: no enforcer holds them for longer than its configuration says (`max_stream_duration`, and
 * `maxStreamMs` of the gateway; here a second). They end in 408, whether the body is waited for before the policy is asked or was on its way
 * already, and no upstream gets a whole request; nor when the client hangs up.
 */
import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { hasEnvoy, startEnvoy } from "../../harness/envoy.ts";
import { startGatewayProcess } from "../../harness/gateway.ts";
import { rawRequest, sendRaw } from "../../harness/raw-http.ts";
import { type RecordingAuthorization, startRecordingAuthorization } from "../../harness/recording-authorization.ts";
import { type RecordingUpstream, startRecordingUpstream } from "../../harness/recording-upstream.ts";
import { bodyVariants } from "./variants.ts";

const cutOff = bodyVariants.filter(({ isCutOff }) => isCutOff);
/** Far below Envoy's own five minutes (`stream_idle_timeout`), so that what ends them is what the configuration says. */
const PATIENCE_MS = 20_000;

type Edge = AsyncDisposable & { readonly port: number };
type Ports = { readonly authorization: number; readonly upstream: number };

const throughEnvoy = (bootstrap: string) => (ports: Ports) =>
  startEnvoy({
    bootstrap: `enforcers/envoy/${bootstrap}.yaml`,
    ports: new Map([
      [9191, ports.authorization],
      [8081, ports.upstream],
    ]),
    texts: new Map([["300s", "1s"]]),
  });
const throughGateway = (ports: Ports) => startGatewayProcess({ ...ports, settings: { maxStreamMs: 1_000 } });

const withEnvoy = await hasEnvoy();
const LATE = /^HTTP\/1\.1 408 /;

type Row = {
  readonly name: string;
  readonly canRun: boolean;
  readonly start: (ports: Ports) => Promise<Edge>;
  /** Where bodies are on their way already when the policy is asked. */
  readonly streamed: readonly string[];
  /** What is told of a body whose rest does not come. */
  readonly late: RegExp;
  /** What needs no waiting: the length that is announced is too much. */
  readonly tooLarge: readonly string[];
};
const EDGES: readonly Row[] = [
  {
    ...{ name: "Envoy, native bootstrap", canRun: withEnvoy, start: throughEnvoy("native") },
    ...{ streamed: ["/reports"], late: LATE, tooLarge: [] },
  },
  {
    ...{ name: "Envoy, compatibility bootstrap", canRun: withEnvoy, start: throughEnvoy("compat") },
    ...{ streamed: [], late: LATE, tooLarge: [] },
  },
  {
    ...{ name: "the gateway", canRun: true, start: throughGateway, streamed: ["/reports"] },
    late: /^HTTP\/1\.1 408 [^]*:body_too_slow"/,
    tooLarge: ["POST /refunds: cut off 65536 bytes before its end"],
  },
];

for (const { name, canRun, start, streamed, late, tooLarge } of EDGES) {
  (canRun ? describe : describe.skip)(name, () => {
    let authorization: RecordingAuthorization;
    let upstream: RecordingUpstream;
    let edge: Edge;

    beforeAll(async () => {
      authorization = await startRecordingAuthorization();
      upstream = await startRecordingUpstream();
      edge = await start({ authorization: authorization.port, upstream: upstream.port });
    });
    afterAll(async () => {
      await edge?.[Symbol.asyncDispose]();
      await upstream?.[Symbol.asyncDispose]();
      await authorization?.[Symbol.asyncDispose]();
    });
    beforeEach(() => {
      authorization.seen.length = 0;
      upstream.received.length = 0;
    });

    const asked = () => [...new Set(authorization.seen.map(({ attributes }) => attributes?.request?.http?.path ?? ""))];

    test("what is cut off ends in 408, and the upstream gets nothing", async () => {
      const ended = await Promise.all(
        cutOff.map(async ({ name: what, bytes }) => ({
          what,
          text: (await sendRaw(edge.port, bytes, PATIENCE_MS)).text,
        })),
      );
      const isRight = (what: string, text: string) => (tooLarge.includes(what) ? /^HTTP\/1\.1 413 / : late).test(text);
      expect(ended.filter(({ what, text }) => !isRight(what, text))).toEqual([]);
      expect(ended.length).toBeGreaterThanOrEqual(10);
      expect(upstream.received).toEqual([]);
      // Where the policy is to see the body, nobody asks about half of one.
      expect(asked()).toEqual(streamed);
    });

    test("a client that hangs up in the middle gets nothing done", async () => {
      await Promise.all(cutOff.map(({ bytes }) => hangUp(edge.port, bytes)));
      // Behind all of that: who has answered these has seen the others go.
      for (let count = 0; count < 2; count += 1) {
        expect((await sendRaw(edge.port, rawRequest("GET", "/after", []))).status).toBe(200);
      }
      expect(upstream.received.map(({ url }) => url)).toEqual(["/after", "/after"]);
      expect(asked().filter((path) => !["/after", ...streamed].includes(path))).toEqual([]);
    });
  });
}

/** When all of it has been handed over. */
async function hangUp(port: number, bytes: Buffer): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
  socket.end();
  socket.resume();
  await once(socket, "close");
}
