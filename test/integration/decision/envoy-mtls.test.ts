/**
 * A real Envoy and the decision service as a process, over mutual TLS: native.yaml with the committed cluster of
 * enforcers/envoy/countersign-mtls.yaml, in which only file and host names are exchanged. Wherever the two do not trust each
 * other, requests are refused and none reaches the upstream.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { parse } from "yaml";
import { type Authority, type CertificatePair, createAuthority } from "../../harness/certificates.ts";
import { type EnvoyCluster, hasEnvoy, startEnvoy } from "../../harness/envoy.ts";
import { rawRequest, sendRaw } from "../../harness/raw-http.ts";
import { type RecordingUpstream, startRecordingUpstream } from "../../harness/recording-upstream.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { startLoneDecision, token } from "./lone-decision.ts";

const CLUSTER = join(import.meta.dirname, "../../../enforcers/envoy/countersign-mtls.yaml");
const NAME = "decision.example";

type Files = { readonly cert: string; readonly key: string };

((await hasEnvoy()) ? describe : describe.skip)("Envoy and the decision service over mutual TLS", () => {
  let folder: string;
  let ours: Authority;
  let foreign: Authority;
  let ourCa: string;
  let foreignCa: string;
  let ourEnvoy: Files;
  let decision: Decision;
  let upstream: RecordingUpstream;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "envoy-mtls-"));
    ours = await createAuthority("ours");
    foreign = await createAuthority("foreign");
    ourCa = await file("ours.pem", ours.ca);
    foreignCa = await file("foreign.pem", foreign.ca);
    ourEnvoy = await files("envoy", await ours.issue({ name: "envoy", use: "client" }));
    const pair = await files(NAME, await ours.issue({ name: NAME, use: "server", hosts: [NAME] }));
    const listen = { certPath: pair.cert, keyPath: pair.key, clientCaPath: ourCa };
    decision = await startLoneDecision({ folder, name: "decision", listen });
    upstream = await startRecordingUpstream();
  }, 60_000);
  afterEach(() => expect(decision.isRunning()).toBe(true));
  afterAll(async () => {
    await upstream?.[Symbol.asyncDispose]();
    await decision?.kill();
    await rm(folder, { recursive: true, force: true });
  });

  async function file(name: string, pem: Buffer): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, pem);
    return path;
  }

  async function files(name: string, { cert, key }: CertificatePair): Promise<Files> {
    return { cert: await file(`${name}.crt`, cert), key: await file(`${name}.key`, key) };
  }

  type Believing = { readonly shown?: Files; readonly trusted?: string; readonly name?: string };

  /** What Envoy answers to dana's reading of an order, and how often the upstream was reached by it. */
  async function read({ shown = ourEnvoy, trusted = ourCa, name = NAME }: Believing, bearer = token()) {
    const text = (await readFile(CLUSTER, "utf8"))
      .replaceAll("/etc/envoy/tls/envoy.pem", shown.cert)
      .replaceAll("/etc/envoy/tls/envoy.key", shown.key)
      .replaceAll("/etc/envoy/tls/ca.pem", trusted)
      .replaceAll(NAME, name);
    return readThrough([cluster(parse(text))], bearer);
  }

  async function readThrough(clusters: readonly EnvoyCluster[], bearer = token()) {
    const ports = new Map([
      [9191, decision.port],
      [8081, upstream.port],
    ]);
    await using envoy = await startEnvoy({ bootstrap: "enforcers/envoy/native.yaml", ports, clusters });
    upstream.received.length = 0;
    const { status } = await sendRaw(envoy.port, rawRequest("GET", "/orders/42", [`authorization: Bearer ${bearer}`]));
    return { status, reached: upstream.received.length };
  }

  const REFUSED = { status: 503, reached: 0 };

  test("an Envoy that speaks plain text gets nothing through", async () => {
    expect(await readThrough([])).toEqual(REFUSED);
  }, 60_000);

  test("nor one that shows a certificate of another authority, or one for use as a server", async () => {
    const stranger = await files("stranger", await foreign.issue({ name: "envoy", use: "client" }));
    expect(await read({ shown: stranger })).toEqual(REFUSED);
    const server = await files("server", await ours.issue({ name: "envoy", use: "server" }));
    expect(await read({ shown: server })).toEqual(REFUSED);
  }, 60_000);

  test("nor one that does not know the service: by its authority, or by its name", async () => {
    expect(await read({ trusted: foreignCa })).toEqual(REFUSED);
    expect(await read({ name: "approval.example" })).toEqual(REFUSED);
  }, 60_000);

  test("where both know each other, the policy decides: dana reads, and a token that is none is 401", async () => {
    expect(await read({})).toEqual({ status: 200, reached: 1 });
    expect(await read({}, "e30.e30.e30")).toEqual({ status: 401, reached: 0 });
  }, 60_000);
});

function cluster(value: unknown): EnvoyCluster {
  if (typeof value !== "object" || value === null || !("name" in value) || typeof value.name !== "string") {
    throw new Error("not a cluster");
  }
  return { ...value, name: value.name };
}
