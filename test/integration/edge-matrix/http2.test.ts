/**
 * The edge matrix in HTTP/2, which both bootstraps take by prior knowledge on the same port (`codec_type: AUTO`; the gateway speaks HTTP/1.1 alone):
 * what the policy was given is what was asked is what the upstream got, in HTTP/1.1, or the request was refused and the upstream got nothing.
 * http2-malformed.ts says for which requests the end of the stream, or of the connection, is the refusal; all others are answered.
 */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { hasEnvoy } from "../../harness/envoy.ts";
import { sendHttp2 } from "../../harness/http2-request.ts";
import { hasOpa } from "../../harness/made-bundle.ts";
import { isRefusal } from "../is-refusal.ts";
import { isMalformed } from "./http2-malformed.ts";
import { bodiesOfHttp2 } from "./http2-bodies.ts";
import { fieldsOfHttp2, type Http2Variant, pathsOfHttp2, pseudoFields } from "./http2-variants.ts";
import { LIMIT } from "./variants.ts";
import { type Matrix, NUMBER, type Sent, startMatrix, throughEnvoy } from "./matrix.ts";

const ANSWER_MS = 10_000;
/** Envoy leaves a connection that it gives up open for a second (`delayed_close_timeout`). */
const AT_ONCE = 50;
/** Envoy lets it pass if what goes beyond its limit comes in the last frame: the policy is told so, and sees as much as the limit. */
const isBeyondLimit = ({ data, ends }: Http2Variant) =>
  ends === "end" && data.length === 1 && data[0]?.length === LIMIT + 1;
/** Envoy passes them on (RFC 9113 section 8.2.1: malformed), and whoever reads HTTP/1.1 takes them away. */
const hasBlanksAround = ({ fields }: Http2Variant) => fields.some(([, value]) => /^[\t ]|[\t ]$/.test(value));

const bodies = bodiesOfHttp2.filter((one) => !isBeyondLimit(one));
const fields = fieldsOfHttp2.filter((one) => !hasBlanksAround(one));
const TABLES = [
  { what: "paths", variants: pathsOfHttp2, least: 500 },
  { what: "pseudo-header fields", variants: pseudoFields, least: 100 },
  { what: "fields", variants: fields, least: 700 },
  { what: "bodies", variants: bodies, least: 100 },
] as const;

const canRun = (await hasOpa()) && (await hasEnvoy());

for (const bootstrap of ["native", "compat"] as const) {
  (canRun ? describe : describe.skip)(`Envoy, ${bootstrap}.yaml`, () => {
    let matrix: Matrix;

    beforeAll(async () => {
      // What is left open is waited for no longer than this.
      matrix = await startMatrix(bootstrap, throughEnvoy(bootstrap, new Map([["300s", "1s"]])));
    });
    afterAll(async () => {
      await matrix?.[Symbol.asyncDispose]();
    });

    const run = (variants: readonly Http2Variant[]) =>
      matrix.run(variants, (one, number) => sent(matrix.port, one, number), AT_ONCE);

    test.each(TABLES)(
      "$what: what is judged is what is done, or it is refused",
      async ({ variants, least }) => {
        expect(new Set(variants.map((one) => JSON.stringify(one))).size).toBeGreaterThanOrEqual(least);
        const { wrong, passed, refused } = await run(variants);
        expect(wrong).toEqual([]);
        expect(passed).toBeGreaterThan(variants.length / 10);
        expect(refused).toBeGreaterThan(0);
      },
      400_000,
    );

    // Compatibility mode judges what opa-envoy-plugin would.
    test("blanks around a value are refused in native mode, else judged and not done, and nothing else of it", async () => {
      const { wrong, refused } = await run(fieldsOfHttp2.filter(hasBlanksAround));
      if (bootstrap === "native") {
        expect(wrong).toEqual([]);
        expect(refused).toBeGreaterThanOrEqual(8);
        return;
      }
      const told = wrong.map((one) => /: header [\w-]+: judged (".*"), got (".*")$/.exec(one)?.slice(1).map(parsed));
      expect(told.length).toBeGreaterThanOrEqual(8);
      expect(told.map((one) => one?.[0]?.trim())).toEqual(told.map((one) => one?.[1]));
    });

    test("a body whose last frame goes beyond the limit is refused in native mode, else the policy is told that it is not whole", async () => {
      const { wrong, passed, refused } = await run(bodiesOfHttp2.filter(isBeyondLimit));
      if (bootstrap === "native")
        return expect({ wrong, passed, refused }).toEqual({ wrong: [], passed: 2, refused: 2 });
      const isTold = / header x-envoy-auth-partial-body: judged "true", got "false"$/;
      expect(wrong.filter((one) => !isTold.test(one))).toEqual([]);
      expect({ wrong: wrong.length, passed }).toEqual({ wrong: 4, passed: 0 });
    });
  });
}

function parsed(text: string): string {
  return String(JSON.parse(text));
}

async function sent(port: number, variant: Http2Variant, number: string): Promise<Sent> {
  const { name, data, trailers, ends, isCutOff } = variant;
  const answer = await sendHttp2(port, { ...variant, fields: [...variant.fields, [NUMBER, number]] }, ANSWER_MS);
  const isLengthSaid = variant.fields.some(([field]) => field === "content-length");
  const isNothing = data.length === 0 && trailers === undefined;
  const framing = isLengthSaid ? "length" : isNothing ? "none" : "chunked";
  return { name, framing, isBodyBegun: data.length > 0, isCutOff, answer, isRefused: isRefused() };

  function isRefused(): boolean {
    if (ends === "reset" && answer === "left") return true;
    if (ends === "stall" && answer === 408) return true;
    if (answer === "reset" || answer === "goaway" || answer === "closed") return isMalformed(variant);
    return typeof answer === "number" && isRefusal(answer, Buffer.alloc(0));
  }
}
