/**
 * The edge matrix: hundreds of paths, headers and bodies through a real Envoy with each committed bootstrap, and through the gateway, to a
 * decision service that allows whatever it can describe, and a recording upstream; a recorder between the two sees what was asked. What the
 * policy was given is what was asked is what the upstream got, but for the lines of each enforcer's own that own-headers.ts names, or the request
 * ended in 4xx or 503 and the upstream got nothing. An edge may wait for the rest of one that is cut off, and of no other; a reset is taken for an
 * answer only where resets.ts says why. `startEnvoy` asks Envoy's /server_info and refuses one below 1.38.4.
 */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { CheckRequest } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { ENVOY_FLOOR, hasEnvoy, startEnvoy } from "../../harness/envoy.ts";
import { startGatewayProcess } from "../../harness/gateway.ts";
import { hasOpa } from "../../harness/made-bundle.ts";
import { type RawAnswer, sendRaw } from "../../harness/raw-http.ts";
import { type RecordingAuthorization, startRecordingAuthorization } from "../../harness/recording-authorization.ts";
import { type RecordingUpstream, startRecordingUpstream } from "../../harness/recording-upstream.ts";
import { isRefusal } from "../is-refusal.ts";
import { type Deciding, startCompat, startNative } from "./deciding.ts";
import { difference } from "./difference.ts";
import type { Enforcer, Exchange } from "./own-headers.ts";
import { mayReset } from "./resets.ts";
import { bodyVariants, headerVariants, pathVariants, type Variant } from "./variants.ts";

/** How long the rest of a request that was cut off is waited for here; that it ends at all is shown in cut-off.test.ts. */
const PATIENCE_MS = 700;
const ANSWER_MS = 10_000;
const NUMBER = "x-variant";
const TABLES = [
  { what: "paths", variants: pathVariants, least: 500 },
  { what: "headers", variants: headerVariants, least: 100 },
  { what: "bodies", variants: bodyVariants, least: 40 },
] as const;

const withOpa = await hasOpa();
const withEnvoy = withOpa && (await hasEnvoy());

type Edge = AsyncDisposable & { readonly port: number };
type Ports = { readonly authorization: number; readonly upstream: number };

const throughEnvoy = (bootstrap: string) => async (ports: Ports) => {
  const envoy = await startEnvoy({
    bootstrap: `enforcers/envoy/${bootstrap}.yaml`,
    ports: new Map([
      [9191, ports.authorization],
      [8081, ports.upstream],
    ]),
  });
  const [major = 0, minor = 0, patch = 0] = envoy.version.split(".").map(Number);
  const floor = ENVOY_FLOOR[0] * 1e6 + ENVOY_FLOOR[1] * 1e3 + ENVOY_FLOOR[2];
  expect(major * 1e6 + minor * 1e3 + patch).toBeGreaterThanOrEqual(floor);
  return envoy;
};

const EDGES: readonly { name: string; enforcer: Enforcer; canRun: boolean; start: (ports: Ports) => Promise<Edge> }[] =
  [
    { name: "Envoy, native bootstrap", enforcer: "native", canRun: withEnvoy, start: throughEnvoy("native") },
    { name: "Envoy, compatibility bootstrap", enforcer: "compat", canRun: withEnvoy, start: throughEnvoy("compat") },
    { name: "the gateway", enforcer: "gateway", canRun: withOpa, start: startGatewayProcess },
  ];

for (const { name, enforcer, canRun, start } of EDGES) {
  (canRun ? describe : describe.skip)(name, () => {
    let deciding: Deciding;
    let authorization: RecordingAuthorization;
    let upstream: RecordingUpstream;
    let edge: Edge;

    beforeAll(async () => {
      deciding = await (enforcer === "compat" ? startCompat() : startNative());
      authorization = await startRecordingAuthorization({ asks: deciding.port });
      upstream = await startRecordingUpstream();
      edge = await start({ authorization: authorization.port, upstream: upstream.port });
    });
    afterAll(async () => {
      await edge?.[Symbol.asyncDispose]();
      await upstream?.[Symbol.asyncDispose]();
      await authorization?.[Symbol.asyncDispose]();
      await deciding?.[Symbol.asyncDispose]();
    });

    /** Sends them all, each under its number, and says of each what came of it when the last one has been answered. */
    async function outcomes(variants: readonly Variant[]): Promise<readonly string[]> {
      authorization.seen.length = 0;
      authorization.said.clear();
      upstream.received.length = 0;
      const answers: Answered[] = [];
      for (const [at, { bytes, isCutOff }] of variants.entries()) {
        const patienceMs = isCutOff ? PATIENCE_MS : ANSWER_MS;
        answers.push(await answered(sendRaw(edge.port, numbered(bytes, at), patienceMs)));
      }
      const got = Map.groupBy(upstream.received, ({ headers }) => String(headers[NUMBER]));
      const asked = Map.groupBy(authorization.seen, numberIn);
      const inputOf = await deciding.inputs();
      // NB: what bears no number of ours is a request that was smuggled inside another.
      const strange = [...got.keys()].filter((number) => !/^\d+$/.test(number));
      return [...strange.map(() => "the upstream got a request that nobody sent"), ...answers.map(cameOf)];

      function cameOf(answer: Answered, at: number): string {
        const [done, ...more] = got.get(String(at)) ?? [];
        const [judged, ...again] = asked.get(String(at)) ?? [];
        if (more.length > 0 || again.length > 0) return "one request became several";
        const variant = variants[at];
        if (variant === undefined) return "nobody sent it";
        if (done === undefined) return isClosed(answer, variant) ? "refused" : `${answer}, without the upstream`;
        const said = judged && authorization.said.get(judged);
        if (judged === undefined || said === undefined) return "done and not judged";
        const exchange = { enforcer, framing: framingOf(variant.bytes), got: done };
        return difference({ request: judged, answer: said, input: inputOf(said) }, exchange) ?? "passed";
      }
    }

    test.each(TABLES)(
      "$what: what is judged is what is done, or it is refused",
      async ({ variants, least }) => {
        // Of the same bytes twice the second shows nothing.
        expect(new Set(variants.map(({ bytes }) => bytes.toString("latin1"))).size).toBeGreaterThanOrEqual(least);
        const wrong: string[] = [];
        const counts = { passed: 0, refused: 0 };
        for (const [at, came] of (await outcomes(variants)).entries()) {
          if (came === "passed" || came === "refused") counts[came] += 1;
          else wrong.push(`${variants[at]?.name}: ${came}`);
        }
        expect(wrong).toEqual([]);
        // Neither all closed, which would show nothing, nor all open.
        expect(counts.passed).toBeGreaterThan(variants.length / 10);
        expect(counts.refused).toBeGreaterThan(0);
      },
      400_000,
    );
  });
}

/** `closed`: without an answer, as if that were all. */
type Answered = number | "silence" | "closed" | "reset";

async function answered(answering: Promise<RawAnswer>): Promise<Answered> {
  try {
    return (await answering).status || "closed";
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ECONNRESET" ? "reset" : "silence";
  }
}

/**
 * The rest of what is cut off may be waited for; in place of an answer there may be a reset where resets.ts says why. 501 is no refusal here: no
 * variant has a transfer coding that an edge need not know.
 */
function isClosed(answer: Answered, { name, bytes, isCutOff }: Variant): boolean {
  if (answer === "silence") return isCutOff;
  if (answer === "closed") return false;
  return answer === "reset" ? mayReset(name) : answer !== 501 && isRefusal(answer, bytes);
}

function framingOf(bytes: Buffer): Exchange["framing"] {
  const head = bytes.subarray(0, bytes.indexOf("\r\n\r\n")).toString("latin1");
  if (/^transfer-encoding: chunked$/im.test(head)) return "chunked";
  return /^content-length:/im.test(head) ? "length" : "none";
}

/** With a header of its own behind the first line, by which it is known wherever it arrives. */
function numbered(bytes: Buffer, at: number): Buffer {
  const end = bytes.indexOf("\r\n") + 2;
  return Buffer.concat([bytes.subarray(0, end), Buffer.from(`${NUMBER}: ${at}\r\n`), bytes.subarray(end)]);
}

function numberIn({ attributes }: CheckRequest): string {
  const http = attributes?.request?.http;
  const raw = http?.headerMap?.headers.find(({ key }) => key === NUMBER)?.rawValue.toString("latin1");
  return raw ?? String(http?.headers.get(NUMBER));
}
