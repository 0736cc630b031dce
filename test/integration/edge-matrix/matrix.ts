/**
 * One edge of the matrix between a decision service that allows whatever it can describe and a recording upstream, with a recorder of what was asked
 * before the service; and what came of each of the requests that were sent through it.
 */
import { expect } from "@jest/globals";
import type { CheckRequest } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { ENVOY_FLOOR, startEnvoy } from "../../harness/envoy.ts";
import { startRecordingAuthorization } from "../../harness/recording-authorization.ts";
import { startRecordingUpstream } from "../../harness/recording-upstream.ts";
import { startCompat, startNative } from "./deciding.ts";
import { difference } from "./difference.ts";
import type { Enforcer, Exchange } from "./own-headers.ts";

/** The header by which a request is known wherever it arrives; its value is the place in its table. */
export const NUMBER = "x-variant";

export type Edge = AsyncDisposable & { readonly port: number };
export type Ports = { readonly authorization: number; readonly upstream: number };

export const throughEnvoy =
  (bootstrap: string, texts: ReadonlyMap<string, string> = new Map()) =>
  async ({ authorization, upstream }: Ports): Promise<Edge> => {
    const envoy = await startEnvoy({
      bootstrap: `enforcers/envoy/${bootstrap}.yaml`,
      ports: new Map([
        [9191, authorization],
        [8081, upstream],
      ]),
      texts,
    });
    const [major = 0, minor = 0, patch = 0] = envoy.version.split(".").map(Number);
    const floor = ENVOY_FLOOR[0] * 1e6 + ENVOY_FLOOR[1] * 1e3 + ENVOY_FLOOR[2];
    expect(major * 1e6 + minor * 1e3 + patch).toBeGreaterThanOrEqual(floor);
    return envoy;
  };

export type Sent = {
  readonly name: string;
  readonly framing: Exchange["framing"];
  readonly isBodyBegun: boolean;
  /** No whole request, which no upstream may take for one. */
  readonly isCutOff: boolean;
  readonly answer: string | number;
  /** Whether the answer closes it. */
  readonly isRefused: boolean;
};

export type Matrix = AsyncDisposable & {
  readonly port: number;
  /** Sends them, each under its number, so many at once, and compares all when the last one has been answered. */
  run<T>(
    variants: readonly T[],
    send: (variant: T, number: string) => Promise<Sent>,
    atOnce?: number,
  ): Promise<Outcomes>;
};

type Outcomes = {
  /** Each with its name and what is wrong. */
  readonly wrong: readonly string[];
  readonly passed: number;
  readonly refused: number;
};

export async function startMatrix(enforcer: Enforcer, start: (ports: Ports) => Promise<Edge>): Promise<Matrix> {
  await using owned = new AsyncDisposableStack();
  const deciding = owned.use(await (enforcer === "compat" ? startCompat() : startNative()));
  const authorization = owned.use(await startRecordingAuthorization({ asks: deciding.port }));
  const upstream = owned.use(await startRecordingUpstream());
  const edge = owned.use(await start({ authorization: authorization.port, upstream: upstream.port }));
  const all = owned.move();

  async function whatCameOf(sent: readonly Sent[]): Promise<Outcomes> {
    const got = Map.groupBy(upstream.received, ({ headers }) => String(headers[NUMBER]));
    const asked = Map.groupBy(authorization.seen, numberIn);
    const inputOf = await deciding.inputs();
    // NB: what bears no number of ours is a request that was smuggled inside another.
    const strange = [...got.keys()].filter((number) => !/^\d+$/.test(number));
    const came = sent.map(cameOf);
    return {
      wrong: [
        ...strange.map(() => "the upstream got a request that nobody sent"),
        ...came.flatMap((one, at) => (one === "passed" || one === "refused" ? [] : [`${sent[at]?.name}: ${one}`])),
      ],
      passed: came.filter((one) => one === "passed").length,
      refused: came.filter((one) => one === "refused").length,
    };

    function cameOf({ framing, isBodyBegun, isCutOff, answer, isRefused }: Sent, at: number): string {
      const [done, ...more] = got.get(String(at)) ?? [];
      const [judged, ...again] = asked.get(String(at)) ?? [];
      if (more.length > 0 || again.length > 0) return "one request became several";
      if (done === undefined) return isRefused ? "refused" : `${answer}, without the upstream`;
      if (isCutOff) return "the upstream took it for a whole one";
      const said = judged && authorization.said.get(judged);
      if (judged === undefined || said === undefined) return "done and not judged";
      const exchange = { enforcer, framing, isBodyBegun, got: done };
      return difference({ request: judged, answer: said, input: inputOf(said) }, exchange) ?? "passed";
    }
  }

  return {
    port: edge.port,
    async run(variants, send, atOnce = 1) {
      authorization.seen.length = 0;
      authorization.said.clear();
      upstream.received.length = 0;
      const sent: Sent[] = [];
      while (sent.length < variants.length) {
        const next = variants.slice(sent.length, sent.length + atOnce);
        sent.push(...(await Promise.all(next.map((variant, at) => send(variant, String(sent.length + at))))));
      }
      return whatCameOf(sent);
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function numberIn({ attributes }: CheckRequest): string {
  const http = attributes?.request?.http;
  const raw = http?.headerMap?.headers.find(({ key }) => key === NUMBER)?.rawValue.toString("latin1");
  return raw ?? String(http?.headers.get(NUMBER));
}
