/**
 * A real Envoy and the decision service as a process, over mutual TLS: native.yaml with the committed cluster of
 * enforcers/envoy/countersign-mtls.yaml, in which only file and host names are exchanged. Wherever the two do not trust each
 * other, requests are refused and none reaches the upstream.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { type Authority, createAuthority, type PairFiles, pemFile, pairFiles } from "../../harness/certificates.ts";
import { type EnvoyCluster, hasEnvoy, startEnvoy } from "../../harness/envoy.ts";
import { DECISION_NAME, mtlsCluster } from "../../harness/envoy-mtls-cluster.ts";
import { rawRequest, sendRaw } from "../../harness/raw-http.ts";
import { type RecordingUpstream, startRecordingUpstream } from "../../harness/recording-upstream.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { startLoneDecision, token } from "./lone-decision.ts";

((await hasEnvoy()) ? describe : describe.skip)("Envoy and the decision service over mutual TLS", () => {
  let folder: string;
  let ours: Authority;
  let foreign: Authority;
  let ourCa: string;
  let foreignCa: string;
  let ourEnvoy: PairFiles;
  let decision: Decision;
  let upstream: RecordingUpstream;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "envoy-mtls-"));
    ours = await createAuthority("ours");
    foreign = await createAuthority("foreign");
    ourCa = await pemFile(folder, "ours", ours.ca);
    foreignCa = await pemFile(folder, "foreign", foreign.ca);
    ourEnvoy = await pairFiles(folder, "envoy", await ours.issue({ name: "envoy", use: "client" }));
    const own = await ours.issue({ name: "decision", use: "server", hosts: [DECISION_NAME] });
    const pair = await pairFiles(folder, "decision", own);
    const listen = { certPath: pair.cert, keyPath: pair.key, clientCaPath: ourCa };
    decision = await startLoneDecision({ folder, name: "decision", listen });
    upstream = await startRecordingUpstream();
  });
  afterEach(() => expect(decision.isRunning()).toBe(true));
  afterAll(async () => {
    await upstream?.[Symbol.asyncDispose]();
    await decision?.kill();
    await rm(folder, { recursive: true, force: true });
  });

  type Believing = {
    readonly shown?: PairFiles;
    readonly trusted?: string;
    readonly name?: string;
    /** How long Envoy is waited for; what is believed at all is believed by then. */
    readonly patienceMs?: number;
  };
  const IN_VAIN_MS = 2_000;
  const SURELY = { patienceMs: 60_000 };

  /** What Envoy answers to dana's reading of an order, and how often the upstream was reached by it. */
  async function read(
    { shown = ourEnvoy, trusted = ourCa, name = DECISION_NAME, patienceMs = IN_VAIN_MS }: Believing,
    bearer = token(),
  ) {
    return readThrough([await mtlsCluster({ ...shown, ca: trusted, name })], bearer, patienceMs);
  }

  async function readThrough(clusters: readonly EnvoyCluster[], bearer = token(), patienceMs = IN_VAIN_MS) {
    const ports = new Map([
      [9191, decision.port],
      [8081, upstream.port],
    ]);
    await using envoy = await startEnvoy({ bootstrap: "enforcers/envoy/native.yaml", ports, clusters });
    const send = async () => {
      upstream.received.length = 0;
      const request = rawRequest("GET", "/orders/42", [`authorization: Bearer ${bearer}`]);
      const { status } = await sendRaw(envoy.port, request);
      return { status, reached: upstream.received.length };
    };
    // 503 also as long as Envoy has not seen the service healthy; one that it does not believe it never will.
    const answered = waitUntil("Envoy to believe the service", patienceMs, async () => {
      const seen = await send();
      return seen.status !== 503 && seen;
    });
    return await answered.catch(send);
  }

  const REFUSED = { status: 503, reached: 0 };

  test("an Envoy that speaks plain text gets nothing through", async () => {
    expect(await readThrough([])).toEqual(REFUSED);
  });

  test("nor one that shows a certificate of another authority, or one for use as a server", async () => {
    const stranger = await pairFiles(folder, "stranger", await foreign.issue({ name: "envoy", use: "client" }));
    expect(await read({ shown: stranger })).toEqual(REFUSED);
    const server = await pairFiles(folder, "server", await ours.issue({ name: "envoy", use: "server" }));
    expect(await read({ shown: server })).toEqual(REFUSED);
  });

  test("nor one that does not know the service: by its authority, or by its name", async () => {
    expect(await read({ trusted: foreignCa })).toEqual(REFUSED);
    expect(await read({ name: "approval.example" })).toEqual(REFUSED);
  });

  test("where both know each other, the policy decides: dana reads, and a token that is none is 401", async () => {
    expect(await read(SURELY)).toEqual({ status: 200, reached: 1 });
    expect(await read(SURELY, "e30.e30.e30")).toEqual({ status: 401, reached: 0 });
  });
});
