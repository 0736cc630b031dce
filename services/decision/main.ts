/**
 * The decision service: constructs everything and starts it. Order: what the rest rests on first, the listener last, so
 * that the end runs backwards. Nothing is served before the bundle is active; elevations wait for the state topic by
 * being stale, not by blocking the start. Long, because it is the one place that constructs.
 */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { isAllow } from "../../core/domain/decision.ts";
import type { Clocks } from "../../core/domain/freshness.ts";
import { id } from "../../core/domain/id.ts";
import { instant } from "../../core/domain/time.ts";
import { createIdentify } from "../../core/identity/identify.ts";
import { createIssuers } from "../../core/identity/issuers.ts";
import { createKeySets } from "../../core/identity/key-sets.ts";
import { requiredTopics } from "../../core/messages/required-topics.ts";
import { createSigner, createVerifier, type Signer } from "../../core/messages/signing.ts";
import { BUILTINS } from "../../core/policy/builtins/registry.ts";
import { loadBundle } from "../../core/policy/bundle.ts";
import { loadCompatPolicy } from "../../core/policy/compat-policy.ts";
import { createGrpcBodies } from "../../core/policy/envoy-input/grpc-body.ts";
import { createPolicyHost } from "../../core/policy/policy-host.ts";
import { systemClock, uuidv7 } from "../../platform/clock.ts";
import { readPems, readServerTls } from "../../platform/config/pem-files.ts";
import { startOpsServer, type CheckResult } from "../../platform/http/ops-server.ts";
import { CannotStart, fromFiles, onAddress } from "../../platform/lifecycle/cannot-start.ts";
import { type Lifecycle, run } from "../../platform/lifecycle/lifecycle.ts";
import { createLog, type Log } from "../../platform/log/log.ts";
import { createMetrics, type Metrics } from "../../platform/metrics/metrics.ts";
import { streamServer } from "../../platform/stream/open-stream.ts";
import type { EventStream } from "../../platform/stream/port.ts";
import { startTopicCheck } from "../../platform/stream/topic-check.ts";
import { type DecisionConfig, readConfig } from "./config.ts";
import { createContext } from "./context/gather.ts";
import { createSourceAddress } from "./context/source-address.ts";
import { startDecisionLog } from "./decision-log/decision-log.ts";
import { reasonOf } from "./decision-log/logged-decision.ts";
import { maskQuery } from "./denials/mint.ts";
import { createDenials } from "./denials/publish.ts";
import { createTokenBuckets } from "./denials/token-bucket.ts";
import { createEvaluate } from "./evaluate.ts";
import { createCheck } from "./ext-authz/check.ts";
import { createCompatCheck } from "./ext-authz/compat-check.ts";
import { createReadCompatRequest } from "./ext-authz/compat-request.ts";
import type { Check, EdgeDeps } from "./ext-authz/edge.ts";
import { startCheckServer } from "./ext-authz/server.ts";
import { createGrantsView } from "./grants/grants-view.ts";
import { createStateReader } from "./grants/state-reader.ts";
import { createCompatPolicy } from "./policy/ask-compat-policy.ts";
import { createPolicy } from "./policy/ask-policy.ts";
import type { Evaluated, Faults } from "./ports.ts";
import { createRedeemClient } from "./redemption/redeem-client.ts";

const DECISION_BUCKETS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5];

async function start(config: DecisionConfig, log: Log, lifecycle: Lifecycle): Promise<void> {
  const { deployment } = config;
  const { signal } = lifecycle;
  const isCompat = config.policy.compat.path !== undefined;
  const metrics = createMetrics({ prefix: "countersign_decision_" });
  const readClocks = (): Clocks => ({
    wall: instant(Math.max(0, systemClock.wallMs())),
    monoMs: systemClock.monotonicMs(),
  });
  const faultCount = metrics.counter("faults_total", "what threw where nothing should");
  const faults: Faults = {
    report(error) {
      faultCount.inc();
      log.error({ event: "decision_fault", err: error }, "a decision ended in a fault");
    },
  };

  const signer = await fromFiles("signing.keyPath", "an Ed25519 private key (PKCS#8, PEM)", async () =>
    createSigner(config.signing.kid, await readFile(config.signing.keyPath, "utf8")),
  );
  const streamAt = await fromFiles("kafka", "certificates and keys that can be used (PEM)", () =>
    streamServer(config, { clientName: `countersign-decision-${config.instance}`, log }),
  );
  const topicCheck = startTopicCheck(
    {
      verify: () => streamAt.verifyTopics(requiredTopics(isCompat ? ["decisions"] : ["denials", "decisions", "state"])),
      onFault: (error) => lifecycle.stop(error),
      log,
    },
    signal,
  );
  const stream = lifecycle.own(streamAt.open({ onFatal: (error) => lifecycle.stop(error) }));

  const sourceAddress = createSourceAddress({ trustedProxies: config.trustedProxies });
  const shared = { log, lifecycle, metrics, readClocks, faults, stream, signer, sourceAddress };
  const path = isCompat ? await compatPath(config, shared) : await nativePath(config, shared);

  const decisionLog = lifecycle.own(
    await fromFiles("decisionLog.folder", "a folder that this process may write, its own and with room", () =>
      startDecisionLog(
        { stream, signer, log, metrics, now: () => readClocks().wall, maskQuery },
        {
          folder: config.decisionLog.folder,
          deployment,
          boot: uuidv7(),
          required: config.decisionLog.audit === "required",
          policyRevision: path.revision,
          maxSpoolBytes: config.decisionLog.maxSpoolBytes,
        },
      ),
    ),
  );

  const decisions = metrics.counter("decisions_total", "decisions by outcome and reason", ["outcome", "reason"]);
  const seconds = metrics.histogram("decision_seconds", "time of one decision", DECISION_BUCKETS_S);
  const check = path.check({
    decisionLog,
    sourceAddress,
    newDecisionId: () => id("decision", uuidv7()),
    readClocks,
    faults,
    observe({ decision, subject }: Evaluated, { decisionId, call }, durationMs) {
      const outcome = decision.kind === "allow" && !isAllow(decision) ? "deny" : decision.kind;
      const reason = reasonOf(decision) ?? "";
      decisions.inc({ outcome, reason });
      seconds.observe(durationMs / 1_000);
      // NB: neither query nor header: they may hold what nobody should keep.
      const { method, path } = call.http ?? {};
      const what = { decisionId, method, path, subject: subject?.id };
      log.debug({ event: "decision", outcome, reason, ...what, ms: Math.round(durationMs) }, "decision");
    },
  });

  const checks = new Map<string, () => CheckResult>([
    ...path.checks,
    ["decision_log", () => decisionLog.health()],
    ["topics", topicCheck.result],
  ]);
  const ops = lifecycle.own(
    await onAddress("ops", config.ops, () => startOpsServer({ metrics, checks, log }, config.ops)),
  );
  const tls = await fromFiles("listen.certPath", "a certificate with its key and authority (PEM)", () =>
    readServerTls(config.listen),
  );
  const server = lifecycle.own(
    await onAddress("listen", config.listen, () =>
      startCheckServer(
        { check, faults, monotonicMs: systemClock.monotonicMs, wallMs: systemClock.wallMs },
        { ...config.listen, tls, drainMs: config.drainMs },
      ),
    ),
  );
  log.info(
    {
      event: "started",
      check: `${config.listen.host}:${server.port}`,
      ops: `${config.ops.host}:${ops.port}`,
      tls: config.listen.certPath !== undefined,
      bundle: path.revision,
      stream: streamAt.name,
      ...path.started,
      audit: config.decisionLog.audit,
    },
    "decision service listens",
  );
  const readiness = await path.ready();
  server.serving(true);
  log.info({ event: "ready", state: readiness }, "decision service is ready");
}

/** What decides, in either mode: its check behind the shared edge, and what it adds to readiness and to the first line. */
type Path = {
  readonly revision: string;
  check(edge: EdgeDeps): Check;
  readonly checks: readonly (readonly [string, () => CheckResult])[];
  readonly started: { readonly [name: string]: unknown };
  /** Resolves, with how it came to it, when checks may be served. */
  ready(): Promise<string>;
};

type Shared = Pick<EdgeDeps, "readClocks" | "faults" | "sourceAddress"> & {
  readonly log: Log;
  readonly lifecycle: Lifecycle;
  readonly metrics: Metrics;
  readonly stream: EventStream;
  readonly signer: Signer;
};

async function nativePath(config: DecisionConfig, shared: Shared): Promise<Path> {
  const { log, lifecycle, metrics, readClocks, faults, stream, signer, sourceAddress } = shared;
  const { deployment } = config;
  const { signal } = lifecycle;
  const issuers = createIssuers(config.identity.issuers);
  const { keyFolder } = config.identity;
  const keySets = lifecycle.own(
    await createKeySets(
      {
        issuers,
        clock: systemClock,
        signal,
        onEvent: (event) =>
          log[event.kind === "keys_refresh_failed" ? "warn" : "info"]({ ...event, event: event.kind }, "key set"),
      },
      keyFolder === undefined ? {} : { directory: keyFolder },
    ),
  );
  const identify = createIdentify({ issuers, keySets });

  const host = createPolicyHost({ builtins: BUILTINS, randomBytes }, { defaultRealm: config.identity.defaultRealm });
  const activation = await host.activate(
    await fromFiles("bundle.path", "a bundle, such as scripts/build-bundle.ts writes", () =>
      loadBundle(config.bundle.path),
    ),
  );
  if (activation.kind === "refused")
    throw new CannotStart(
      `bundle.path: the bundle is refused (${activation.reason}: ${activation.detail}); build it anew`,
    );
  log.info({ event: "bundle_activated", revision: activation.revision }, "policy is active");

  const view = createGrantsView();
  const verifier = await fromFiles("state.trustedKeys", "Ed25519 public keys (PEM)", async () =>
    createVerifier(await readPems(config.state.trustedKeys)),
  );
  const state = createStateReader(
    { stream, verifier, view, readClocks, log, metrics },
    { deployment, readyWithinMs: config.state.readyWithinMs },
  );
  const redeemer = lifecycle.own(
    createRedeemClient(
      {
        metrics,
        wallMs: systemClock.wallMs,
        onFault: (code) => log.warn({ event: "redemption_fault", code }, "a redemption was not answered"),
      },
      {
        address: config.redemption.address,
        tls: await fromFiles("redemption", "a certificate, its key and an authority (PEM)", () =>
          redemptionTls(config),
        ),
        serviceToken: () => config.redemption.serviceToken,
      },
    ),
  );
  const { burst, perMinute, requestUrl } = config.denials;
  const denials = createDenials(
    {
      stream,
      signer,
      buckets: createTokenBuckets({ burst, refillMs: 60_000 / perMinute }),
      newDenialId: () => id("denial", uuidv7()),
      sourceAddress,
      log,
      metrics,
    },
    { deployment },
  );
  const evaluate = createEvaluate({
    identity: { identify: async ({ authorization }, now) => identify.identify({ authorization }, now) },
    context: createContext({ freshness: view.freshness, sourceAddress }),
    policy: createPolicy({ host, metrics, monotonicMs: systemClock.monotonicMs }),
    grants: view,
    redemption: redeemer,
    denials,
    faults,
  });

  return {
    revision: activation.revision,
    check: (edge) => createCheck({ ...edge, evaluate }, { requestUrl }),
    checks: [
      ["bundle", () => (host.revision() === undefined ? { status: "failed" } : { status: "ok" })],
      [
        "keys",
        () =>
          keySets.status(readClocks().wall).every(({ usable }) => usable)
            ? { status: "ok" }
            : { status: "failed", detail: "an issuer has no usable keys" },
      ],
      ["state", () => ({ status: state.readiness() === "starting" ? "failed" : "ok", detail: state.readiness() })],
      [
        "grants",
        () => {
          const now = view.freshness(readClocks());
          return now.kind === "fresh" ? { status: "ok" } : { status: "degraded", detail: now.why };
        },
      ],
    ],
    started: { redemption: config.redemption.address, issuers: [...issuers.keys()] },
    ready: () => state.start(signal),
  };
}

/** An opa-envoy-plugin policy at its own path: no identity, no grants, nothing to ask for. */
async function compatPath(config: DecisionConfig, { log, metrics }: Shared): Promise<Path> {
  const { path = "", protoDescriptorPath, skipRequestBodyParse, dryRun, onError, unsafe } = config.policy.compat;
  const loaded = await fromFiles("bundle.path", `a bundle that opa build -t wasm -e ${path} wrote`, () =>
    loadCompatPolicy({ builtins: BUILTINS, randomBytes }, { bundlePath: config.bundle.path, path }),
  );
  const descriptor = "a FileDescriptorSet with all its imports";
  const grpcBodies =
    protoDescriptorPath === undefined
      ? undefined
      : await fromFiles("policy.compat.protoDescriptorPath", descriptor, async () =>
          createGrpcBodies(await readFile(protoDescriptorPath)),
        );
  const policy = createCompatPolicy(
    { policy: loaded, metrics, monotonicMs: systemClock.monotonicMs },
    { skipRequestBodyParse, grpcBodies },
  );
  const readRequest = createReadCompatRequest(
    await readFile(new URL("../../proto/descriptor/check.binpb", import.meta.url)),
  );
  metrics
    .gauge("compat_unsafe", "1: a policy fault or a denial may open a door, by policy.compat.unsafe")
    .set(unsafe ? 1 : 0);
  log.info({ event: "bundle_activated", revision: loaded.revision, path }, "compatibility policy is active");
  if (unsafe)
    log.warn({ event: "compat_unsafe", dryRun, onError }, "policy.compat.unsafe: what should be denied may pass");
  return {
    revision: loaded.revision,
    check: (edge) => createCompatCheck({ ...edge, policy, readRequest }, { path, dryRun, onError }),
    checks: [
      ["bundle", () => ({ status: "ok" })],
      [
        "compat",
        () =>
          unsafe ? { status: "degraded", detail: `unsafe: onError ${onError}, dryRun ${dryRun}` } : { status: "ok" },
      ],
    ],
    started: { compat: path, unsafe },
    ready: async () => "compat",
  };
}

async function redemptionTls({ redemption }: DecisionConfig) {
  if (!redemption.tls) return undefined;
  const read = async (path: string | undefined) => (path === undefined ? null : readFile(path));
  const [ca, key, cert] = [
    await read(redemption.caPath),
    await read(redemption.keyPath),
    await read(redemption.certPath),
  ];
  createSecureContext({ ca: ca ?? undefined, key: key ?? undefined, cert: cert ?? undefined }); // throws for what is no PEM
  return { ca, key, cert };
}

const started = await readConfig(process.argv.slice(2));
if (started.kind === "exit") {
  (started.code === 0 ? process.stdout : process.stderr).write(`${started.text}\n`);
  process.exit(started.code);
}
const { config } = started;
const log = createLog({ name: "decision", instance: config.instance, level: config.logLevel });
const drainDeadlineMs = config.drainMs + 5_000;
process.exit(await run({ log }, { drainDeadlineMs, source: process }, (lifecycle) => start(config, log, lifecycle)));
