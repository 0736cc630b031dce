/** Constructs a decision service of several workers (docs/workers.md): it serves nothing itself except the operators' port for all of them. */
import { systemClock } from "../../../platform/clock.ts";
import { startOpsServer, type CheckResult } from "../../../platform/http/ops-server.ts";
import { onAddress } from "../../../platform/lifecycle/cannot-start.ts";
import type { Running } from "../../../platform/lifecycle/run-program.ts";
import { planWorkers } from "../../../platform/workers/config.ts";
import { type DecisionConfig, PREFIX } from "../config.ts";
import { adoptSpools } from "../decision-log/adopt-spools.ts";
import { workersReady } from "../workers/readiness.ts";
import { startWorkers } from "../workers/workers.ts";

/** What a worker may need to end, beside notice and drain. */
const LAST_WORDS_MS = 6_000;
/** Who these are is decided when they are forked. */
const NEEDS_RESTART: ReadonlySet<string> = new Set(["workers", "workerPorts", "workerOpsPorts", "instance", "ops"]);

export async function supervise(
  config: DecisionConfig,
  { log, metrics, lifecycle, reload }: Running<DecisionConfig>,
): Promise<void> {
  const [file = "", ...args] = process.argv.slice(1);
  const endMs = config.noticeMs + config.drainMs + LAST_WORDS_MS;
  const plans = planWorkers(config, { prefix: PREFIX, folders: foldersOf(config) });
  const checks = new Map<string, () => CheckResult | Promise<CheckResult>>([
    ["workers", () => workersReady(plans, config.ops.host)],
    ["reload", reload.health],
  ]);
  const ops = lifecycle.own(
    await onAddress("ops", config.ops, () => startOpsServer({ metrics, checks, log }, config.ops)),
  );
  await adoptSpools(
    { log, clock: systemClock },
    { folder: config.decisionLog.folder, workers: config.workers, quietMs: endMs },
  );
  const workers = lifecycle.own(
    startWorkers(
      {
        log,
        metrics,
        monotonicMs: systemClock.monotonicMs,
        signal: lifecycle.signal,
        stop: (fault) => lifecycle.stop(fault),
      },
      { plans, file, args, killAfterMs: endMs },
    ),
  );
  const taken = Object.keys(config).filter((key) => !NEEDS_RESTART.has(key));
  reload.part("workers", taken, () => workers.hangUp());
  log.info(
    {
      event: "workers_started",
      check: plans.map(({ port }) => `${config.listen.host}:${port}`),
      ops: `${config.ops.host}:${ops.port}`,
      workerOps: plans.map(({ opsPort }) => `${config.ops.host}:${opsPort}`),
    },
    "the workers of the decision service are started",
  );
  reload.begin();
}

/** Folders that only one process may use. */
function foldersOf({ decisionLog, identity, bundle }: DecisionConfig): ReadonlyMap<string, string | undefined> {
  return new Map([
    ["decisionLog.folder", decisionLog.folder],
    ["identity.keyFolder", identity.keyFolder],
    ["bundle.keepFolder", bundle.keepFolder],
  ]);
}
