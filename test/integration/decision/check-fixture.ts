/**
 * The decision service's edge in one process, asked over real gRPC: real server, real path, real compiled policy, real grants view fed with
 * signed-record values, real denials over a stream that is a list. Only identity is simplified: the header names the subject, and its
 * issuer where that is another (`dana of https://other.example`).
 */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, credentials, type ServiceError } from "@grpc/grpc-js";
import { id } from "../../../core/domain/id.ts";
import { instant } from "../../../core/domain/time.ts";
import { setHashOf } from "../../../core/messages/record-keys.ts";
import { createSigner } from "../../../core/messages/signing.ts";
import { BUILTINS } from "../../../core/policy/builtins/registry.ts";
import { loadBundle } from "../../../core/policy/bundle.ts";
import { createPolicyHost } from "../../../core/policy/policy-host.ts";
import { systemClock, uuidv7 } from "../../../platform/clock.ts";
import { createLog } from "../../../platform/log/log.ts";
import { createUnderWay } from "../../../platform/lifecycle/under-way.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import type { OutgoingRecord } from "../../../platform/stream/port.ts";
import { AuthorizationService, CheckResponse } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { createContext } from "../../../services/decision/context/gather.ts";
import { createLocalTime } from "../../../services/decision/context/local-time.ts";
import { createSourceAddress } from "../../../services/decision/context/source-address.ts";
import { startDecisionLog } from "../../../services/decision/decision-log/decision-log.ts";
import { createDenials } from "../../../services/decision/denials/publish.ts";
import { createTokenBuckets } from "../../../platform/token-buckets.ts";
import { createEvaluate } from "../../../services/decision/evaluate.ts";
import { createCheck } from "../../../services/decision/ext-authz/check.ts";
import { startCheckServer } from "../../../services/decision/ext-authz/server.ts";
import { createGrantsView } from "../../../services/decision/grants/grants-view.ts";
import { createPolicy } from "../../../services/decision/policy/ask-policy.ts";
import { createObserveEvaluation } from "../../../services/decision/policy/observe-evaluation.ts";
import { createSuspensions } from "../../../services/decision/policy/suspensions.ts";
import type { Policy } from "../../../services/decision/ports.ts";
import { checkBytes, type Sent } from "./check-messages.ts";

export const ISSUER = "https://issuer.example";
const log = createLog({ name: "test", level: "silent" });
const { privateKey } = generateKeyPairSync("ed25519");
const signer = createSigner("pdp-a", privateKey.export({ type: "pkcs8", format: "pem" }).toString());
export const readClocks = () => ({ wall: instant(Date.now()), monoMs: performance.now() });
export type CheckEdge = Awaited<ReturnType<typeof startCheckEdge>>;

export async function startCheckEdge() {
  const published: OutgoingRecord[] = [];
  const world: { policyInstead: Policy | undefined } = { policyInstead: undefined };
  const folder = mkdtempSync(join(tmpdir(), "check-"));
  const metrics = createMetrics({ prefix: "t_" });
  const stream = {
    publish: (records: readonly OutgoingRecord[]) => {
      published.push(...records.filter(({ topic }) => topic.includes("denials")));
      return Promise.resolve({ kind: "acked" as const });
    },
  };
  const host = createPolicyHost(
    { builtins: BUILTINS, randomBytes, monotonicMs: () => performance.now() },
    { defaultRealm: "corp" },
  );
  const activation = await host.activate(await loadBundle(join(import.meta.dirname, "../../../rego/bundle")));
  if (activation.kind === "refused") throw new Error(`the bundle is refused: ${activation.detail}`);
  const view = createGrantsView();
  const sourceAddress = createSourceAddress({ trustedProxies: 0 });
  const real = createPolicy({
    host,
    suspensions: createSuspensions(),
    observe: createObserveEvaluation(metrics),
    monotonicMs: systemClock.monotonicMs,
  });
  const decisionLog = startDecisionLog(
    { stream, signer, log, metrics, now: () => readClocks().wall },
    { folder, deployment: "test", boot: uuidv7(), required: true, policyRevision: () => host.revision() },
  );
  const faults = { report: () => {} };
  const evaluate = createEvaluate({
    identity: {
      identify({ authorization: [name] }) {
        if (name === undefined) return { kind: "anonymous" };
        if (name === "bad") return { kind: "refused", reason: "credential_malformed" };
        const [account = "", issuer = ISSUER] = name.split(" of ");
        const subject = { issuer, id: account, groups: ["engineers"], claims: {}, actors: [] };
        return { kind: "subject", subject, expiresAt: Date.now() + 60_000 };
      },
    },
    context: createContext({
      freshness: view.freshness,
      incidents: view.incidents,
      sourceAddress,
      localTime: createLocalTime("UTC", { days: [], from: "08:00", to: "18:00" }),
      profile: undefined,
      countries: undefined,
      device: undefined,
    }),
    policy: { decide: (...asked) => (world.policyInstead ?? real).decide(...asked) },
    grants: view,
    redemption: { redeem: () => Promise.resolve({ kind: "unavailable" }) },
    denials: createDenials(
      {
        stream,
        signer,
        buckets: createTokenBuckets({ burst: 50, refillMs: 1_000 }),
        newDenialId: () => id("denial", uuidv7()),
        sourceAddress,
        log,
        metrics,
      },
      { deployment: "test" },
    ),
    faults,
  });
  const check = createCheck(
    {
      evaluate,
      decisionLog,
      sourceAddress,
      newDecisionId: () => id("decision", uuidv7()),
      readClocks,
      faults,
      underWay: createUnderWay(),
      observe: () => {},
    },
    { requestUrl: "https://approvals.example/v1/requests" },
  );
  const server = await startCheckServer(
    { check, faults, monotonicMs: systemClock.monotonicMs },
    {
      host: "127.0.0.1",
      port: 0,
      tls: undefined,
      maxMessageBytes: 65_536,
      maxInFlight: 64,
      deadlineMs: 10_000,
      drainMs: 1_000,
    },
  );
  const client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());

  /** The answer to these bytes; a gRPC error fails the test. */
  function send(bytes: Uint8Array): Promise<CheckResponse> {
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        AuthorizationService.check.path,
        (value: Uint8Array) => Buffer.from(value),
        (value) => CheckResponse.decode(value),
        bytes,
        (error: ServiceError | null, response) => {
          if (error !== null || response === undefined) reject(error ?? new Error("no response"));
          else resolve(response);
        },
      );
    });
  }

  return {
    send,
    call: (sent: Sent) => send(checkBytes(sent)),
    view,
    /** The denials that were published. */
    published,
    /** What `work` comes to while this policy decides in place of the compiled one. */
    async withPolicy<T>(decide: Policy["decide"], work: () => Promise<T>): Promise<T> {
      world.policyInstead = { decide };
      try {
        return await work();
      } finally {
        world.policyInstead = undefined;
      }
    },
    /** A heartbeat of the state relay, over the sum of all that it has told. */
    beat(sum: bigint) {
      view.heartbeat({ databaseTime: readClocks().wall, setHash: setHashOf(sum) }, readClocks());
    },
    async [Symbol.asyncDispose]() {
      client.close();
      await server[Symbol.asyncDispose]();
      await decisionLog[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
