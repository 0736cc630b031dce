/**
 * Certificates that end while a service runs, at every port that can have one: ext_authz, AuthZEN, DecisionService, redemption and the REST
 * interface. A handshake looks at them, nothing later does: a connection that is open goes on (Envoy's is kept for days), every new one is refused
 * until there is a new certificate, also to who resumes a session, and the service itself goes on meanwhile.
 */
import { once } from "node:events";
import tls from "node:tls";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ServerTls } from "../../platform/config/pem-files.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { type Authority, type CertificatePair, createAuthority } from "../harness/certificates.ts";
import { tlsPorts } from "./tls-ports.ts";

/** X.509 knows whole seconds. What has to happen before the end is tried with more time where the machine was too slow. */
const SHORTLY_MS = [3_000, 9_000, 20_000];

let ours: Authority;
let known: CertificatePair;
beforeAll(async () => {
  ours = await createAuthority("ours");
  known = await ours.issue({ name: "caller", use: "client" });
});
const owned = new AsyncDisposableStack();
afterAll(() => owned.disposeAsync());

const PORTS = tlsPorts(owned, () => ours);

/** One that ends soon, and what `work` was done with it before: undefined where it was not in time. */
async function beforeItsEnd<T>(use: "server" | "client", work: (pair: CertificatePair) => Promise<T | undefined>) {
  for (const endsInMs of SHORTLY_MS) {
    const pair = await ours.issue({ name: use, use, endsInMs });
    const done = await work(pair);
    if (done !== undefined) return { pair, done };
  }
  throw new Error("the certificate has ended before it was shown");
}
/** A connection on which was answered. */
const answering = async (ask: () => Promise<string>) => ((await ask()) === "answered" ? ask : undefined);
const withClientCa = (pair: CertificatePair): ServerTls => ({ ...pair, clientCa: ours.ca });

const untilRefused = (what: string, connect: () => () => Promise<string>) =>
  waitUntil(what, 60_000, async () => (await connect()()) !== "answered");

test.each(PORTS.filter(({ asks }) => asks))(
  "$name: a caller's, whose open connection goes on and who can open no other, until there is a new certificate",
  async ({ serve, connect }) => {
    const { port } = await serve(withClientCa(await ours.issue({ name: "service", use: "server" })));
    const { pair: ending, done: first } = await beforeItsEnd("client", (pair) => answering(connect(port, pair)));
    await untilRefused("the certificate to end", () => connect(port, ending));
    expect(await connect(port, ending)()).not.toBe("answered");
    expect(await first()).toBe("answered");
    expect(await connect(port, known)()).toBe("answered");
  },
);

test.each(PORTS)(
  "$name: its own, whose open connections go on and whom nobody else believes, until a new one is put in its place",
  async ({ serve, connect }) => {
    const { done } = await beforeItsEnd("server", async (pair) => {
      const served = await serve(withClientCa(pair));
      const answered = await answering(connect(served.port, known));
      return answered && { ...served, first: answered };
    });
    const { port, replace, first } = done;
    await untilRefused("the certificate to end", () => connect(port, known));
    expect(await connect(port, known)()).toMatch(/certificate has expired/);
    expect(await first()).toBe("answered");
    replace(withClientCa(await ours.issue({ name: "service", use: "server" })));
    expect(await connect(port, known)()).toBe("answered");
    expect(await first()).toBe("answered");
  },
);

test.each(PORTS.filter(({ asks }) => asks))(
  "$name: a caller's, who kept a session of before it ended: no connection comes of resuming it",
  async ({ serve, connect }) => {
    const { port } = await serve(withClientCa(await ours.issue({ name: "service", use: "server" })));
    const at = { host: "127.0.0.1", port, ca: ours.ca, ALPNProtocols: ["h2", "http/1.1"] };
    const sessions: Buffer[] = [];
    const { pair } = await beforeItsEnd("client", async (shown) => {
      const before = tls.connect({ ...at, ...shown });
      owned.defer(() => void before.destroy());
      before.on("session", (session: Buffer) => sessions.push(session)).on("error", () => {});
      await once(before, "secureConnect");
      return answering(connect(port, shown));
    });
    await untilRefused("the certificate to end", () => connect(port, pair));
    for (const session of sessions) {
      const socket = tls.connect({ ...at, ...pair, session });
      let isClosed = false;
      socket.on("error", () => {}).on("close", () => (isClosed = true));
      // A client is connected before the server has looked at its certificate: what counts is whether it stays.
      const stays = await waitUntil("it to be closed", 20_000, () => isClosed).then(
        () => false,
        () => true,
      );
      socket.destroy();
      expect(stays).toBe(false);
    }
  },
);
