/** Constructs the API beside ext_authz: AuthZEN over HTTP and DecisionService over gRPC, on the same decision path. */
import { id } from "../../../core/domain/id.ts";
import { systemClock, uuidv7 } from "../../../platform/clock.ts";
import { deadlineIn } from "../../../platform/deadline.ts";
import { fromFiles, onAddress } from "../../../platform/lifecycle/cannot-start.ts";
import { createAsking } from "../api/asking.ts";
import { createAskQuestion, createEvaluateAside } from "../api/ask-question.ts";
import { createApiCallers } from "../api/callers.ts";
import { readClients } from "../api/known-clients.ts";
import { apiOf } from "./api-section.ts";
import { startAccessRequests } from "./access-requests.ts";
import { startDecisionServer } from "../authzen/grpc/server.ts";
import { startAuthzenServer } from "../authzen/server.ts";
import type { DecisionConfig } from "../config.ts";
import type { EdgeDeps } from "../ext-authz/edge.ts";
import { createSharedPause } from "../../../platform/shared-pause.ts";
import type { Together } from "../../../platform/lifecycle/together.ts";
import type { ApiPath, SharedParts } from "./path-parts.ts";

const TLS_KEYS = ["api.certPath", "api.keyPath", "api.clientCaPath"];

type RunningApi = {
  /** Where it listens. */
  readonly at: { readonly http: string; readonly grpc?: string };
  /** What grpc.health says about DecisionService; NOT_SERVING at first. */
  readonly serving: (yes: boolean) => void;
};

export async function startApi(
  api: NonNullable<DecisionConfig["api"]>,
  { reload, metrics, readClocks, faults, signingKey, certificates }: SharedParts,
  { evaluate, candidates, identity, mostUnknown, issuers, grants }: ApiPath,
  {
    listeners,
    underWay,
    ...edge
  }: Pick<EdgeDeps, "decisionLog" | "underWay" | "observe"> & { readonly listeners: Pick<Together, "own"> },
  { drainMs, denials }: Pick<DecisionConfig, "drainMs" | "denials">,
): Promise<RunningApi> {
  const callers = createApiCallers(
    { identity, issuers, now: () => readClocks().wall },
    await fromFiles("api.clients", "a service token of its own in every tokenPath", () => readClients(api.clients)),
    { mostUnknown },
  );
  reload.part("api_clients", ["api.clients"], async (now) => callers.replace(await readClients(apiOf(now).clients)));
  const tls = await fromFiles("api.certPath", "a certificate with its key and authority (PEM)", () =>
    certificates.server("api", api),
  );
  const accessRequests = await startAccessRequests({ signingKey, faults, reload }, api);
  const pause = createSharedPause(systemClock);
  const newDeadline = (ms = api.deadlineMs) => deadlineIn(ms, systemClock.monotonicMs);
  const newDecisionId = () => id("decision", uuidv7());
  const deps = { evaluate, newDecisionId, readClocks, faults, ...edge };
  const asking = createAsking({ ask: createAskQuestion(deps), callers, underWay });
  const server = listeners.own(
    await onAddress("api", { host: api.host, port: api.httpPort }, () =>
      startAuthzenServer(
        {
          asking,
          evaluateAside: createEvaluateAside(deps),
          ...{ callers, pause },
          candidates,
          readClocks,
          newDeadline,
          newRequestId: uuidv7,
          faults,
          metrics,
          maxBatch: api.maxBatch,
          answers: { requestUrl: denials.requestUrl, accessRequests, grants },
        },
        { ...api, port: api.httpPort, tls, drainMs },
      ),
    ),
  );
  reload.part("api_tls", TLS_KEYS, async (now) =>
    server.replaceCertificates(await certificates.server("api", apiOf(now))),
  );
  const http = `${api.host}:${server.port}`;
  const { grpcPort, host } = api;
  if (grpcPort === undefined) return { at: { http }, serving: () => {} };
  const grpc = listeners.own(
    await onAddress("api", { host, port: grpcPort }, () =>
      startDecisionServer(
        {
          ...{ asking, callers, pause },
          newDeadline,
          monotonicMs: systemClock.monotonicMs,
          wallMs: systemClock.wallMs,
          faults,
          metrics,
        },
        { ...api, port: grpcPort, tls, maxMessageBytes: api.maxBodyBytes, drainMs },
      ),
    ),
  );
  reload.part("api_grpc_tls", TLS_KEYS, async (now) =>
    grpc.replaceCertificates(await certificates.server("api", apiOf(now))),
  );
  return { at: { http, grpc: `${host}:${grpc.port}` }, serving: grpc.serving };
}
