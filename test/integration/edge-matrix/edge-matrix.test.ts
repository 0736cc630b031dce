/**
 * The edge matrix: hundreds of paths, headers and bodies through a real Envoy with each committed bootstrap, and through the gateway, to a
 * decision service that allows whatever it can describe, and a recording upstream; a recorder between the two sees what was asked. What the
 * policy was given is what was asked is what the upstream got, but for the lines of each enforcer's own that own-headers.ts names, or the request
 * ended in 4xx or 503 and the upstream got nothing. An edge may wait for the rest of one that is cut off, and of no other; a reset is taken for an
 * answer only where resets.ts says why. `startEnvoy` asks Envoy's /server_info and refuses one below 1.38.4.
 */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { hasEnvoy } from "../../harness/envoy.ts";
import { startGatewayProcess } from "../../harness/gateway.ts";
import { hasOpa } from "../../harness/made-bundle.ts";
import { type RawAnswer, sendRaw } from "../../harness/raw-http.ts";
import { isRefusal } from "../is-refusal.ts";
import { type Edge, type Matrix, NUMBER, type Ports, type Sent, startMatrix, throughEnvoy } from "./matrix.ts";
import type { Enforcer } from "./own-headers.ts";
import { mayReset } from "./resets.ts";
import { bodyVariants, headerVariants, pathVariants, type Variant } from "./variants.ts";

/** How long the rest of a request that was cut off is waited for here; that it ends at all is shown in cut-off.test.ts. */
const PATIENCE_MS = 700;
const ANSWER_MS = 10_000;
const TABLES = [
  { what: "paths", variants: pathVariants, least: 500 },
  { what: "headers", variants: headerVariants, least: 100 },
  { what: "bodies", variants: bodyVariants, least: 40 },
] as const;

const withOpa = await hasOpa();
const withEnvoy = withOpa && (await hasEnvoy());

const EDGES: readonly { name: string; enforcer: Enforcer; canRun: boolean; start: (ports: Ports) => Promise<Edge> }[] =
  [
    { name: "Envoy, native bootstrap", enforcer: "native", canRun: withEnvoy, start: throughEnvoy("native") },
    { name: "Envoy, compatibility bootstrap", enforcer: "compat", canRun: withEnvoy, start: throughEnvoy("compat") },
    { name: "the gateway", enforcer: "gateway", canRun: withOpa, start: startGatewayProcess },
  ];

for (const { name, enforcer, canRun, start } of EDGES) {
  (canRun ? describe : describe.skip)(name, () => {
    let matrix: Matrix;

    beforeAll(async () => {
      matrix = await startMatrix(enforcer, start);
    });
    afterAll(async () => {
      await matrix?.[Symbol.asyncDispose]();
    });

    test.each(TABLES)(
      "$what: what is judged is what is done, or it is refused",
      async ({ variants, least }) => {
        // Of the same bytes twice the second shows nothing.
        expect(new Set(variants.map(({ bytes }) => bytes.toString("latin1"))).size).toBeGreaterThanOrEqual(least);
        const { wrong, passed, refused } = await matrix.run(variants, (one, number) => sent(matrix.port, one, number));
        expect(wrong).toEqual([]);
        // Neither all closed, which would show nothing, nor all open.
        expect(passed).toBeGreaterThan(variants.length / 10);
        expect(refused).toBeGreaterThan(0);
      },
      400_000,
    );
  });
}

async function sent(port: number, variant: Variant, number: string): Promise<Sent> {
  const { name, bytes, isCutOff } = variant;
  const answer = await answered(sendRaw(port, numbered(bytes, number), isCutOff ? PATIENCE_MS : ANSWER_MS));
  const framing = framingOf(bytes);
  const isBodyBegun = framing === "chunked" || (framing === "length" && !/^content-length: 0\r$/im.test(headOf(bytes)));
  return { name, framing, isBodyBegun, isCutOff, answer, isRefused: isClosed(answer, variant) };
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

function headOf(bytes: Buffer): string {
  return bytes.subarray(0, bytes.indexOf("\r\n\r\n") + 2).toString("latin1");
}

function framingOf(bytes: Buffer): Sent["framing"] {
  const head = headOf(bytes);
  if (/^transfer-encoding: chunked$/im.test(head)) return "chunked";
  return /^content-length:/im.test(head) ? "length" : "none";
}

/** With a header of its own behind the first line, by which it is known wherever it arrives. */
function numbered(bytes: Buffer, number: string): Buffer {
  const end = bytes.indexOf("\r\n") + 2;
  return Buffer.concat([bytes.subarray(0, end), Buffer.from(`${NUMBER}: ${number}\r\n`), bytes.subarray(end)]);
}
