/**
 * The gateway: constructs everything and starts it, the listener last. It holds no state; what it knows of a request ends with
 * the request.
 */
import { systemClock, uuidv7 } from "../../../platform/clock.ts";
import { createCertificates } from "../../../platform/config/certificates.ts";
import { type CheckResult, startOpsServer } from "../../../platform/http/ops-server.ts";
import { fromFiles } from "../../../platform/lifecycle/cannot-start.ts";
import { type Running, runProgram } from "../../../platform/lifecycle/run-program.ts";
import { createAuthorization } from "../check/authorization.ts";
import { type GatewayConfig, readConfig } from "../config.ts";
import { startGateway } from "../gateway.ts";
import { createJudge } from "../judge.ts";
import { createObserve } from "../observe.ts";
import { createUpstreams } from "../upstreams.ts";

const AUTHORIZATION_KEYS = ["caPath", "certPath", "keyPath"].map((name) => `authorization.${name}`);

async function start(
  config: GatewayConfig,
  { log, metrics, lifecycle, reload }: Running<GatewayConfig>,
): Promise<void> {
  const { routes, maxBufferBytes, maxStreamMs, drainMs } = config;
  const { wallMs, monotonicMs } = systemClock;
  const { address, timeoutMs } = config.authorization;
  const certificates = createCertificates(metrics);
  const tls = await fromFiles("authorization", "a certificate, its key and an authority (PEM)", () =>
    certificates.client("authorization", config.authorization),
  );
  const authorization = lifecycle.own(createAuthorization({ wallMs }, { address, timeoutMs, tls }));
  reload.part("authorization_tls", AUTHORIZATION_KEYS, async (now) =>
    authorization.replaceCertificates(await certificates.client("authorization", now.authorization)),
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
export function runGateway(): Promise<number> {
  return runProgram(
    { name: "gateway", prefix: "countersign_gateway_", read: readConfig, endMs: ({ drainMs }) => drainMs + 5_000 },
    start,
  );
}
