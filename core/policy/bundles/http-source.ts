/**
 * A bundle from a server, requested as OPA does (OPA v1.20.2, v1/download): `If-None-Match` with the last ETag, `Prefer: wait=N` for a server
 * that supports long polling, recognised by the content type `application/vnd.openpolicyagent.bundles`.
 *
 * Everything about the response is bounded: the time to its headers, of each pause, and of the whole; its bytes as they arrive. No redirect is
 * followed, so that the host, and with it the receiver of the token, stays the configured one.
 */
import { Agent, errors, request } from "undici";
import { AppError } from "../../domain/app-error.ts";
import type { BundleLimits } from "./bundle-files.ts";
import { readArchive } from "./read-archive.ts";
import type { BundleSource, Look, SourceFault } from "./source.ts";

type HttpSourceOptions = {
  readonly url: URL;
  /** PEM, in place of the system's authorities. */
  readonly ca?: string | undefined;
  readonly token?: string | undefined;
  /** How long the server may wait for a change, when it can; 0: it is asked not to. */
  readonly waitSeconds: number;
  readonly limits?: BundleLimits;
  readonly times?: Partial<HttpTimes>;
};

type HttpTimes = { readonly connectMs: number; readonly headMs: number; readonly totalMs: number };

const TIMES: HttpTimes = { connectMs: 5_000, headMs: 10_000, totalMs: 60_000 };
const LONG_POLL_TYPE = "application/vnd.openpolicyagent.bundles";

export function createHttpSource(options: HttpSourceOptions): BundleSource & AsyncDisposable {
  const { url, ca, token, waitSeconds } = options;
  const times = { ...TIMES, ...options.times };
  const waitMs = waitSeconds * 1_000;
  /** Known from its last bundle; a 304 does not say. */
  let serverWaits = false;
  const agent = new Agent({
    connect: { timeout: times.connectMs, ...(ca === undefined ? {} : { ca }) },
    headersTimeout: times.headMs + waitMs,
    bodyTimeout: times.headMs,
    pipelining: 0,
  });

  async function ask(seen: string | undefined, signal: AbortSignal): Promise<Look> {
    const { statusCode, headers, body } = await request(url, {
      dispatcher: agent,
      signal,
      headers: {
        accept: `${LONG_POLL_TYPE}, application/gzip, application/octet-stream`,
        "accept-encoding": "identity",
        prefer: waitSeconds > 0 ? `modes=snapshot;wait=${waitSeconds}` : "modes=snapshot",
        "user-agent": "countersign-bundles/1",
        ...(seen === undefined ? {} : { "if-none-match": seen }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
    });
    if (statusCode === 200) {
      serverWaits = waitSeconds > 0 && headers["content-type"] === LONG_POLL_TYPE;
      const etag = headers["etag"];
      const files = await readArchive(body, {
        signal,
        ...(options.limits === undefined ? {} : { limits: options.limits }),
      });
      return { kind: "found", files, tag: typeof etag === "string" ? etag : undefined, waits: serverWaits };
    }
    await body.dump({ limit: 1_024, signal }).catch(() => {});
    if (statusCode === 304 && seen !== undefined) return { kind: "unchanged", waits: serverWaits };
    const isRedirect = statusCode >= 300 && statusCode < 400 && statusCode !== 304;
    if (isRedirect) return failed("redirect", `it answers ${statusCode}, and redirects are not followed`);
    return failed("status", `it answers ${statusCode}`);
  }

  return {
    name: `${url.origin}${url.pathname}`,
    async look(seen, stop) {
      const signal = AbortSignal.any([stop, AbortSignal.timeout(times.totalMs + waitMs)]);
      try {
        return await ask(seen, signal);
      } catch (error) {
        if (error instanceof AppError) return failed("unreadable", error.detail);
        return signal.aborted || isTimeout(error)
          ? failed("timeout", "it does not answer in time")
          : failed("unreachable", "there is no connection to it, or it broke off");
      }
    },
    [Symbol.asyncDispose]: () => agent.destroy(),
  };
}

function isTimeout(error: unknown): boolean {
  const kinds = [errors.ConnectTimeoutError, errors.HeadersTimeoutError, errors.BodyTimeoutError];
  return kinds.some((kind) => error instanceof kind);
}

function failed(reason: SourceFault, detail: string): Look {
  return { kind: "failed", reason, detail };
}
