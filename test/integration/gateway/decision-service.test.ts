/** The gateway while the decision service is away, mute, or reached by TLS: nothing passes without an answer from the right one. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServerCredentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { type CertificatePair, createAuthority, pairFiles, pemFile } from "../../harness/certificates.ts";
import { freePort } from "../../harness/free-port.ts";
import { startGatewayProcess } from "../../harness/gateway.ts";
import { rawRequest, sendRaw } from "../../harness/raw-http.ts";
import { startRecordingAuthorization } from "../../harness/recording-authorization.ts";
import { type RecordingUpstream, startRecordingUpstream } from "../../harness/recording-upstream.ts";
import { startSilentServer } from "../../harness/silent-server.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";

const DEADLINE_MS = 30_000;

let upstream: RecordingUpstream;

beforeAll(async () => {
  upstream = await startRecordingUpstream();
});

afterAll(async () => {
  await upstream?.[Symbol.asyncDispose]();
});

beforeEach(() => {
  upstream.received.length = 0;
});

describe("the decision service comes and goes", () => {
  test("what was asked in between is 503, and what comes after is decided again", async () => {
    const port = await freePort();
    await using own = await startGatewayProcess({ authorization: port, upstream: upstream.port });
    const ask = () => sendRaw(own.port, rawRequest("GET", "/orders", []));
    expect((await ask()).status).toBe(503);
    expect((await fetch(`${own.opsUrl}/readyz`)).status).toBe(503);
    const late = await startRecordingAuthorization({ port });
    await waitUntil("the gateway to find the decision service", DEADLINE_MS, async () => (await ask()).status === 200);
    expect((await fetch(`${own.opsUrl}/readyz`)).status).toBe(200);
    await late[Symbol.asyncDispose]();
    upstream.received.length = 0;
    expect((await ask()).status).toBe(503);
    expect(upstream.received).toEqual([]);
  });

  test("a decision service that accepts and says nothing costs half a second, not more", async () => {
    await using mute = await startSilentServer();
    await using own = await startGatewayProcess({ authorization: mute.port, upstream: upstream.port });
    const started = performance.now();
    expect((await sendRaw(own.port, rawRequest("GET", "/orders", []))).status).toBe(503);
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

describe("by TLS", () => {
  /** Status of one request through a gateway with these settings; 0 is never one. */
  async function ask(port: number, authorization: Readonly<Record<string, unknown>>): Promise<number> {
    const settings = { authorization: { tls: true, address: `localhost:${port}`, ...authorization } };
    await using own = await startGatewayProcess({ authorization: port, upstream: upstream.port, settings });
    return (await sendRaw(own.port, rawRequest("GET", "/orders", []))).status;
  }

  test("only the authority named is believed, and only with a certificate of ours does it answer", async () => {
    const folder = await mkdtemp(join(tmpdir(), "countersign-gateway-tls-"));
    const ours = await createAuthority("ours");
    const theirs = await createAuthority("theirs");
    const server = await ours.issue({ name: "decision", use: "server" });
    const client = await ours.issue({ name: "gateway", use: "client" });
    const stranger = await theirs.issue({ name: "gateway", use: "client" });
    const caPath = await pemFile(folder, "ours", ours.ca);
    const theirCaPath = await pemFile(folder, "theirs", theirs.ca);
    const mine = pathsOf(await pairFiles(folder, "mine", client));
    const another = pathsOf(await pairFiles(folder, "another", stranger));
    const pair = [{ cert_chain: server.cert, private_key: server.key }];
    const credentials = ServerCredentials.createSsl(ours.ca, pair, true);
    await using authorization = await startRecordingAuthorization({ credentials });
    const { port } = authorization;

    expect(await ask(port, { ...mine, caPath: theirCaPath })).toBe(503);
    expect(await ask(port, mine)).toBe(503);
    expect(await ask(port, { caPath })).toBe(503);
    expect(await ask(port, { ...another, caPath })).toBe(503);
    expect(authorization.seen).toEqual([]);
    expect(upstream.received).toEqual([]);

    expect(await ask(port, { ...mine, caPath })).toBe(200);
    await rm(folder, { recursive: true, force: true });
  });

  test("SIGHUP has it show the certificate that lies there now; a broken one is refused, and the one before is shown on", async () => {
    const folder = await mkdtemp(join(tmpdir(), "countersign-gateway-reload-"));
    const [ours, theirs] = [await createAuthority("ours"), await createAuthority("theirs")];
    const server = await ours.issue({ name: "decision", use: "server" });
    const caPath = await pemFile(folder, "ours", ours.ca);
    const place = (pair: CertificatePair) => pairFiles(folder, "mine", pair);
    const mine = pathsOf(await place(await theirs.issue({ name: "gateway", use: "client" })));
    const pair = [{ cert_chain: server.cert, private_key: server.key }];
    const credentials = ServerCredentials.createSsl(ours.ca, pair, true);
    await using authorization = await startRecordingAuthorization({ credentials });
    const settings = { authorization: { tls: true, address: `localhost:${authorization.port}`, ...mine, caPath } };
    await using own = await startGatewayProcess({
      ...{ authorization: authorization.port, upstream: upstream.port, settings },
    });
    const status = async () => (await sendRaw(own.port, rawRequest("GET", "/orders", []))).status;
    const said = async (event: string) => {
      const before = own.lines.length;
      own.reload();
      await waitUntil(`the gateway to say ${event}`, 30_000, () =>
        own.lines.slice(before).some((line) => line.includes(`"event":"${event}"`)),
      );
    };
    expect(await status()).toBe(503);
    await pemFile(folder, "mine-cert", Buffer.from("half a fi"));
    await said("reload_refused");
    expect(await (await fetch(`${own.opsUrl}/metrics`)).text()).toContain(
      'countersign_gateway_reload_refused{part="authorization_tls"} 1',
    );
    await place(await ours.issue({ name: "gateway", use: "client" }));
    await said("reloaded");
    await waitUntil("the new certificate to be shown", 30_000, async () => (await status()) === 200);
    await rm(folder, { recursive: true, force: true });
  });

  const pathsOf = ({ cert, key }: { readonly cert: string; readonly key: string }) => ({
    certPath: cert,
    keyPath: key,
  });
});
