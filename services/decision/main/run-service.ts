/**
 * The decision service: constructs everything and starts it; the deciding parts are in main/native-path.ts and main/compat-path.ts. Order: what
 * the rest depends on first, the listener last, so that the end runs backwards. Enforcers are sent here once the service is ready
 * (serving/serving-sign.ts); an earlier call is decided with what is there. It waits 10 s for a stream that is down, then goes on without grants.
 * Optional parts are loaded only if configured, since a start is mostly the loading of modules.
 */
import type { Clocks } from "../../../core/domain/freshness.ts";
import { id } from "../../../core/domain/id.ts";
import { instant } from "../../../core/domain/time.ts";
import { requiredTopics } from "../../../core/messages/required-topics.ts";
import { RELOADED } from "../../../core/policy/bundles/start-bundles.ts";
import { systemClock, uuidv7 } from "../../../platform/clock.ts";
import { createCertificates } from "../../../platform/config/certificates.ts";
import { startOpsServer, type CheckResult } from "../../../platform/http/ops-server.ts";
import { fromFiles, onAddress } from "../../../platform/lifecycle/cannot-start.ts";
import { type Running, runProgram } from "../../../platform/lifecycle/run-program.ts";
import { createTogether } from "../../../platform/lifecycle/together.ts";
import { createUnderWay } from "../../../platform/lifecycle/under-way.ts";
import { streamServer } from "../../../platform/stream/open-stream.ts";
import { startTopicCheck } from "../../../platform/stream/topic-check.ts";
import { startTracesIf } from "../../../platform/traces/traces.ts";
import { type DecisionConfig, readConfig } from "../config.ts";
import { createSourceAddress } from "../context/source-address.ts";
import { adoptSpools } from "../decision-log/adopt-spools.ts";
import { startDecisionLog } from "../decision-log/decision-log.ts";
import { COUNTED_BY, createObserveDecision } from "../decision-log/observe-decision.ts";
import { startCheckServer } from "../ext-authz/server.ts";
import { createServingSign } from "../serving/serving-sign.ts";
import { createNativePath } from "./native-path.ts";
import { startSigningKey } from "./signing-key.ts";
import type { Faults } from "../ports.ts";

async function start(config: DecisionConfig, running: Running<DecisionConfig>): Promise<void> {
  const { log, metrics, lifecycle, reload } = running;
  const { deployment } = config;
  const { signal } = lifecycle;
  const isCompat = config.policy.compat.path !== undefined;
  const readClocks = (): Clocks => ({
    wall: instant(Math.max(0, systemClock.wallMs())),
    monoMs: systemClock.monotonicMs(),
  });
  const faultCount = metrics.counter("faults_total", "unexpected exceptions");
  const faults: Faults = {
    report(error) {
      faultCount.inc();
      log.error({ event: "decision_fault", err: error }, "a decision ended in a fault");
    },
  };

  const signingKey = await startSigningKey({ reload }, config.signing);
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
  const traces = await startTracesIf(config.traces, { service: "countersign-decision", instance: config.instance });
  if (traces !== undefined) lifecycle.own(traces);
  const certificates = createCertificates(metrics);
  const shared = { ...running, readClocks, faults, stream, signingKey, sourceAddress, traces, certificates };
  const path = isCompat
    ? await (await import("./compat-path.ts")).createCompatPath(config, shared)
    : await createNativePath(config, shared);

  // A worker leaves that to whoever watches it, who alone knows how many there are.
  if (!process.connected) {
    const { folder } = config.decisionLog;
    await adoptSpools(
      { log, clock: systemClock },
      { folder, workers: 1, quietMs: config.noticeMs + config.drainMs + 6_000 },
    );
  }
  const decisionLog = lifecycle.own(
    await fromFiles("decisionLog.folder", "a folder that this process may write, its own and with room", () =>
      startDecisionLog(
        { stream, signer: signingKey.current(), log, metrics, now: () => readClocks().wall },
        {
          folder: config.decisionLog.folder,
          deployment,
          boot: uuidv7(),
          required: config.decisionLog.audit === "required",
          policyRevision: () => path.revision(),
          maxSpoolBytes: config.decisionLog.maxSpoolBytes,
        },
      ),
    ),
  );
  signingKey.onReplaced((next) => decisionLog.replaceSigner(next, uuidv7()));

  const observe = createObserveDecision({ log, metrics, monotonicMs: systemClock.monotonicMs });
  const newDecisionId = () => id("decision", uuidv7());
  // Ends behind the listeners and before the log.
  const underWay = lifecycle.own(createUnderWay());
  const check = path.check({ decisionLog, sourceAddress, newDecisionId, readClocks, faults, underWay, observe });

  const checks = new Map<string, () => CheckResult>([
    ...path.checks,
    ["decision_log", () => decisionLog.health()],
    ["topics", topicCheck.result],
    ["reload", reload.health],
  ]);
  const ops = lifecycle.own(
    await onAddress("ops", config.ops, () =>
      startOpsServer(
        { metrics, checks, log, documents: new Map([["/v1/bundle", path.bundles.describe], ...path.documents]) },
        config.ops,
      ),
    ),
  );
  const tls = await fromFiles("listen.certPath", "a certificate with its key and authority (PEM)", () =>
    certificates.server("listen", config.listen),
  );
  const listeners = lifecycle.own(createTogether());
  const server = listeners.own(
    await onAddress("listen", config.listen, () =>
      startCheckServer(
        { check, faults, monotonicMs: systemClock.monotonicMs },
        { ...config.listen, tls, drainMs: config.drainMs },
      ),
    ),
  );
  if (config.kafka !== undefined) reload.part("kafka", streamAt.reloadable, (again) => streamAt.reload(again));
  reload.part("policy", RELOADED, ({ bundle }) => path.bundles.reload(bundle));
  reload.part("listen_tls", ["listen.certPath", "listen.keyPath", "listen.clientCaPath"], async ({ listen }) =>
    server.replaceCertificates(await certificates.server("listen", listen)),
  );
  const api =
    config.api === undefined || path.api === undefined
      ? undefined
      : await (await import("./api.ts")).startApi(
          config.api,
          shared,
          path.api,
          { decisionLog, underWay, observe, listeners },
          config,
        );
  log.info(
    {
      event: "started",
      check: `${config.listen.host}:${server.port}`,
      ops: `${config.ops.host}:${ops.port}`,
      ...(api === undefined ? {} : { api: api.at }),
      tls: config.listen.certPath !== undefined,
      bundle: path.revision() ?? "none yet",
      stream: streamAt.name,
      ...path.started,
      audit: config.decisionLog.audit,
    },
    "decision service listens",
  );
  reload.begin();
  const state = await path.ready();
  const sign = createServingSign(
    {
      canJudge: path.canJudge,
      say(yes) {
        server.serving(yes);
        api?.serving(yes);
      },
      log,
      signal,
    },
    config,
  );
  checks.set("ending", sign.health);
  lifecycle.beforeEnd(sign.leave);
  log.info({ event: "ready", state }, "decision service is ready");
}

/** A service by itself gives notice before its end begins; for one that watches workers theirs is a part of it. */
const endMs = ({ workers, noticeMs, drainMs }: DecisionConfig) =>
  workers > 1 ? noticeMs + drainMs + 7_000 : drainMs + 5_000;

/** Until it ends; the code to end with. */
export function runService(): Promise<number> {
  return runProgram(
    { name: "decision", prefix: "countersign_decision_", read: readConfig, endMs, countedBy: COUNTED_BY },
    async (config, running) =>
      config.workers > 1 ? (await import("./supervise.ts")).supervise(config, running) : start(config, running),
  );
}
