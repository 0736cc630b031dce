/**
 * The gateway: constructs everything and starts it, the listener last. It holds no state; what it knows of a request ends with
 * the request.
 */
import { systemClock, uuidv7 } from "../../../platform/clock.ts";
import { readClientTls } from "../../../platform/config/pem-files.ts";
import { type CheckResult, startOpsServer } from "../../../platform/http/ops-server.ts";
import { fromFiles } from "../../../platform/lifecycle/cannot-start.ts";
import { wasHungUp } from "../../../platform/lifecycle/early-hang-up.ts";
import { createReload } from "../../../platform/lifecycle/reload.ts";
import { type Lifecycle, run } from "../../../platform/lifecycle/lifecycle.ts";
import { countEvents } from "../../../platform/log/count-events.ts";
import { createLog, type Log } from "../../../platform/log/log.ts";
import { createMetrics, type Metrics } from "../../../platform/metrics/metrics.ts";
import { createAuthorization } from "../check/authorization.ts";
import { type GatewayConfig, readConfig } from "../config.ts";
import { startGateway } from "../gateway.ts";
import { createJudge } from "../judge.ts";
import { createObserve } from "../observe.ts";
import { createUpstreams } from "../upstreams.ts";

const AUTHORIZATION_KEYS = ["caPath", "certPath", "keyPath"].map((name) => `authorization.${name}`);

type Process = { readonly log: Log; readonly metrics: Metrics; readonly lifecycle: Lifecycle };

async function start(config: GatewayConfig, { log, metrics, lifecycle }: Process): Promise<void> {
  const { routes, maxBufferBytes, maxStreamMs, drainMs } = config;
  const { wallMs, monotonicMs } = systemClock;
  const reload = lifecycle.own(
    createReload({ log, metrics, source: process, wasHungUp, read: () => readConfig(process.argv.slice(2)) }, config),
  );
  const { address, timeoutMs } = config.authorization;
  const tls = await fromFiles("authorization", "a certificate, its key and an authority (PEM)", () =>
    readClientTls(config.authorization),
  );
  const authorization = lifecycle.own(createAuthorization({ wallMs }, { address, timeoutMs, tls }));
  reload.part("authorization_tls", AUTHORIZATION_KEYS, async (now) =>
    authorization.replaceCertificates(await readClientTls(now.authorization)),
  );
  const upstreams = lifecycle.own(
    createUpstreams({
      origins: routes.map(({ upstream }) => upstream),
      connectionsEach: config.connectionsPerUpstream,
      idleMs: maxStreamMs,
    }),
  );
  const checks = new Map<string, () => CheckResult>([
    [
      "authorization",
      () =>
        authorization.connected()
          ? { status: "ok" }
          : { status: "failed", detail: "the decision service is not reachable" },
    ],
    ["reload", reload.health],
  ]);
  const ops = lifecycle.own(await startOpsServer({ metrics, checks, log }, config.ops));
  const gateway = lifecycle.own(
    await startGateway(
      {
        judge: createJudge({ authorization, wallMs }),
        upstreams,
        observe: createObserve({ metrics, log }),
        newRequestId: uuidv7,
        monotonicMs,
      },
      { ...config.listen, routes, maxBufferBytes, maxStreamMs, drainMs },
    ),
  );
  log.info(
    {
      event: "started",
      http: `${config.listen.host}:${gateway.port}`,
      ops: `${config.ops.host}:${ops.port}`,
      decisionService: address,
      tls: config.authorization.tls,
      // As text: what the log would take for a request's body by its name is a setting here.
      routes: routes.map(
        ({ prefix, upstream, body, upgrade }) => `${prefix} ${body}${upgrade ? " upgrade" : ""} ${upstream}`,
      ),
    },
    "gateway listens",
  );
  reload.begin();
}

/** Until it ends; the code to end with. */
export async function runGateway(): Promise<number> {
  const started = await readConfig(process.argv.slice(2));
  if (started.kind === "exit") {
    (started.code === 0 ? process.stdout : process.stderr).write(`${started.text}\n`);
    return started.code;
  }
  const { config } = started;
  const metrics = createMetrics({ prefix: "countersign_gateway_" });
  const onEvent = countEvents(metrics);
  const log = createLog({ name: "gateway", instance: config.instance, level: config.logLevel, onEvent });
  const drainDeadlineMs = config.drainMs + 5_000;
  return run({ log }, { drainDeadlineMs, source: process }, (lifecycle) => start(config, { log, metrics, lifecycle }));
}
