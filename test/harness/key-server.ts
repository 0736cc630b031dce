/**
 * Key sets against a real HTTP server on loopback, which answers what the test says. Times are shortened by options; what a test waits for
 * is a condition.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { tmpdir } from "node:os";
import path from "node:path";
import { instant } from "../../core/domain/time.ts";
import { createKeySets, type KeySetEvent, type KeySetTimes } from "../../core/identity/key-sets.ts";
import * as sample from "../samples/tokens.ts";
import { systemClock } from "../../platform/clock.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import type { CertificatePair } from "./certificates.ts";

const DEADLINE_MS = 20_000;
export const both = sample.jwksOf({ ed25519: sample.keys.ed25519, p256: sample.keys.p256 });

export const json =
  (value: unknown): RequestListener =>
  (_request, response) =>
    void response.setHeader("content-type", "application/json").end(JSON.stringify(value));

export const until = <T>(what: string, probe: () => T | undefined | false | Promise<T | undefined | false>) =>
  waitUntil(what, DEADLINE_MS, probe);

export type KeyServer = Awaited<ReturnType<typeof startKeyServer>>;

/** `tls`: over HTTPS, with this certificate. */
export async function startKeyServer({ tls }: { readonly tls?: CertificatePair } = {}) {
  /** When each request came, by the monotonic clock. */
  const hits: number[] = [];
  const directory = await mkdtemp(path.join(tmpdir(), "keys-test-"));
  const world: { answer: RequestListener } = { answer: () => {} };
  const listener: RequestListener = (request, response) => {
    hits.push(performance.now());
    world.answer(request, response);
  };
  const server: Server = tls === undefined ? createServer(listener) : createTlsServer({ ...tls }, listener);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const url = `${tls === undefined ? "http" : "https"}://127.0.0.1:${address.port}/keys`;

  return {
    hits,
    /** Where key sets keep the last good ones. */
    directory,
    url,
    answerBy(listener: RequestListener) {
      world.answer = listener;
    },
    /** Key sets that ask this server, unless an issuer is changed to something else: of the sample issuer, or of all that are given. */
    async start(times: Partial<KeySetTimes> = {}, ...configs: readonly sample.IssuerChanges[]) {
      const events: KeySetEvent[] = [];
      const given = configs.length === 0 ? [{}] : configs;
      const issuers = sample.issuersOf(...given.map((config) => ({ jwks_uri: url, ...config })));
      if (issuers.size !== given.length) throw new Error("not every issuer that is given");
      const deps = { issuers, clock: systemClock, onEvent: (event: KeySetEvent) => void events.push(event) };
      const keySets = await createKeySets(deps, { directory, times: { timeoutMs: 300, retryMs: 10_000, ...times } });
      const kids = (laterMs = 0) =>
        keySets.current(sample.ISSUER, instant(Date.now() + laterMs))?.keys.map((key) => key.kid);
      const event = (kind: KeySetEvent["kind"], count = 1) =>
        until(`${count} × ${kind}`, () => events.filter((one) => one.kind === kind)[count - 1]);
      return { keySets, issuers, events, kids, event };
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      await rm(directory, { recursive: true, force: true });
    },
  };
}
