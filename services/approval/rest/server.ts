/**
 * The REST interface of the approval service, version 1: requests, reviews, grants, denials and the audit record. Every route below /v1 requires
 * authentication (caller.ts), bodies are validated by schema/, and every fault ends in `sendProblem`. The OpenAPI document is generated from the
 * same schemas: GET /v1/openapi.json.
 */
import { Server as TlsServer } from "node:tls";
import swagger from "@fastify/swagger";
import { TypeBoxValidatorCompiler } from "@fastify/type-provider-typebox";
import fastify, { type FastifyError, type FastifyReply, type FastifyRequest } from "fastify";
import type { ServerTls } from "../../../platform/config/pem-files.ts";
import { readJsonBody } from "../../../platform/http/json-body.ts";
import { portOf, SILENT_MS, STRICT, STRICT_TLS, superviseConnections } from "../../../platform/http/connections.ts";
import { ReloadRefused } from "../../../platform/lifecycle/reload.ts";
import type { Log } from "../../../platform/log/log.ts";
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import type { Traces } from "../../../platform/traces/traces.ts";
import { type CallerDeps, createAuthenticate } from "./caller.ts";
import { completeDocument, DOCUMENT, documentTransform } from "./document.ts";
import type { Patience } from "../../../platform/one-at-a-time.ts";
import { withAllFindings } from "../../../platform/schema-faults.ts";
import { answerFault } from "./answer-fault.ts";
import { createHold, createRelease, type IdempotencyDeps } from "./idempotency.ts";
import { createTakeTurn, endTurn } from "./list-turns.ts";
import { watchMethods } from "./method-not-allowed.ts";
import { createNotHttp } from "./not-http.ts";
import { sendProblem } from "./problem.ts";
import { createRateLimit, type RateLimits } from "./rate-limit.ts";
import { alwaysHeaders } from "./response-headers.ts";
import type { Rest, RestService } from "./rest.ts";
import { accessRequestTask } from "./routes/access-request-task.ts";
import { cancelRequest } from "./routes/cancel-request.ts";
import { closeIncident } from "./routes/close-incident.ts";
import { dismissRecord } from "./routes/dismiss-record.ts";
import { getDenial, listDenials } from "./routes/denials.ts";
import { getRequest } from "./routes/get-request.ts";
import { getProblem } from "./routes/get-problem.ts";
import { getGrant, listGrants } from "./routes/grants.ts";
import { getIncident, listIncidents } from "./routes/incidents.ts";
import { listApprovers } from "./routes/list-approvers.ts";
import { listRequests } from "./routes/list-requests.ts";
import { openIncident } from "./routes/open-incident.ts";
import { getQuarantined, listQuarantine } from "./routes/quarantine.ts";
import { readAudit } from "./routes/read-audit.ts";
import { replayRecord } from "./routes/replay-record.ts";
import { reviewRequest } from "./routes/review-request.ts";
import { revokeGrant } from "./routes/revoke-grant.ts";
import { submitAccessRequest } from "./routes/submit-access-request.ts";
import { submitRequest } from "./routes/submit-request.ts";
import { DenialShown } from "./schema/denials.ts";
import { traceRequests } from "./trace-requests.ts";
import { GrantShown } from "./schema/grants.ts";
import { IncidentShown } from "./schema/incidents.ts";
import { ProblemShown } from "./schema/problems.ts";
import { QuarantinedShown } from "./schema/quarantine.ts";
import { RequestShown } from "./schema/requests.ts";

const MAX_BODY_BYTES = 64 * 1024;
const BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

const ROUTES = [
  submitRequest,
  listRequests,
  getRequest,
  listApprovers,
  reviewRequest,
  cancelRequest,
  listDenials,
  getDenial,
  listGrants,
  getGrant,
  revokeGrant,
  openIncident,
  listIncidents,
  getIncident,
  closeIncident,
  readAudit,
  listQuarantine,
  getQuarantined,
  replayRecord,
  dismissRecord,
  submitAccessRequest,
  accessRequestTask,
];

const SHARED = [RequestShown, GrantShown, DenialShown, IncidentShown, QuarantinedShown, ProblemShown];

export type RestDeps = CallerDeps &
  IdempotencyDeps &
  RestService & {
    readonly log: Log;
    readonly metrics: Metrics;
    /** A UUID. */
    readonly newRequestId: () => string;
    readonly monotonicMs: () => number;
    readonly traces?: Traces | undefined;
  };

type RestOptions = {
  /** PEM; absent: plain text. */
  readonly tls: Pick<ServerTls, "cert" | "key"> | undefined;
  readonly limits: RateLimits;
  /** Of lists that wait for others of their account; as list-turns.ts has it unless given. */
  readonly patience?: Patience;
};

/** The interface, not yet listening. */
export async function createRest(deps: RestDeps, { tls, limits, patience }: RestOptions): Promise<Rest> {
  const { log, metrics } = deps;
  const settings = {
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: 10_000,
    connectionTimeout: SILENT_MS,
    exposeHeadRoutes: false,
    genReqId: () => deps.newRequestId(),
    clientErrorHandler: createNotHttp(deps),
    // What the router refuses reaches no hook and no error handler.
    frameworkErrors: (_error: FastifyError, _request: FastifyRequest, reply: FastifyReply) => {
      setHeaders(reply);
      sendProblem(reply, "invalid_request", {
        detail: "The address cannot be read: a wrong escape, or too long a part.",
      });
    },
  };
  const app: Rest = fastify({ ...settings, ...(tls ? { https: { ...STRICT_TLS, ...tls } } : { http: STRICT }) });
  // NB: only JSON is read; fastify's own parser of plain text would hand a string to the schemas.
  app.removeContentTypeParser("text/plain");
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, readJsonBody);
  app.setValidatorCompiler((route) => {
    const validate = TypeBoxValidatorCompiler(route);
    // Once more where it is not of the schema: the first ones alone are found by default.
    return (value: unknown) => {
      const said = validate(value);
      return typeof said === "object" && "error" in said ? withAllFindings(() => validate(value)) : said;
    };
  });
  // Bodies are made by show.ts, whose types are those of the schemas: nothing is left out or bent on the way.
  app.setSerializerCompiler(() => JSON.stringify);
  for (const shared of SHARED) app.addSchema(shared);
  await app.register(swagger, {
    openapi: DOCUMENT,
    transform: documentTransform,
    transformObject: completeDocument,
    refResolver: byName,
  });

  const seconds = metrics.histogram("rest_request_seconds", "REST requests by operation and status", BUCKETS_S, [
    "operation",
    "status",
  ]);
  const limited = metrics.counter(
    "rest_limited_total",
    "REST requests refused because an account sent too many: by rate (reads, writes), or waiting for its own lists",
    ["kind"],
  );
  if (deps.traces !== undefined) traceRequests(app, deps.traces);
  app.addHook("onRequest", async (_request, reply) => {
    setHeaders(reply);
  });
  app.addHook("onResponse", async (request, reply) => {
    const operation = request.routeOptions.schema?.operationId ?? "none";
    const ms = reply.elapsedTime;
    seconds.observe(ms / 1_000, { operation, status: String(reply.statusCode) });
    log.info(
      { event: "rest_request", operation, status: reply.statusCode, ms: Math.round(ms), requestId: request.id },
      "REST request",
    );
  });
  app.setNotFoundHandler((_request, reply) => sendProblem(reply, "unknown_route"));
  app.setErrorHandler<FastifyError>((error, request, reply) => answerFault(log, error, request, reply));

  const refuseOtherMethods = watchMethods(app);
  getProblem(app, deps);
  app.get("/v1/openapi.json", { schema: { hide: true, operationId: "document" } }, () => app.swagger());
  await app.register(async (scope: Rest) => {
    scope.decorateRequest("caller", null);
    scope.decorateRequest("held", null);
    scope.decorateRequest("listTurn", null);
    scope.addHook("onRequest", createAuthenticate(deps));
    scope.addHook("onRequest", createRateLimit({ ...deps, onLimited: (kind) => limited.inc({ kind }) }, limits));
    scope.addHook("preHandler", createTakeTurn({ onLimited: () => limited.inc({ kind: "lists" }) }, patience));
    scope.addHook("preHandler", createHold(deps));
    scope.addHook("onSend", createRelease(deps));
    scope.addHook("onSend", endTurn);
    for (const add of ROUTES) add(scope, deps);
  });
  refuseOtherMethods();
  return app;
}

function setHeaders(reply: FastifyReply): void {
  reply.headers(alwaysHeaders(reply.request.id));
}

type RestServer = AsyncDisposable & {
  readonly port: number;
  /** For connections from now on. @throws when it cannot be used; the one before stays. */
  replaceCertificate(tls: RestOptions["tls"]): void;
};

/** `drainMs`: how long requests in progress may take at the end. */
type ListenAt = { readonly host: string; readonly port: number; readonly drainMs: number };

/** Listens. Rejects when the port is taken. Disposing of it lets requests that have begun end, within `drainMs`. */
export async function startRest(
  deps: RestDeps,
  { host, port, drainMs, ...options }: RestOptions & ListenAt,
): Promise<RestServer> {
  const app = await createRest(deps, options);
  const connections = superviseConnections(app.server);
  await app.listen({ host, port });
  return {
    port: portOf(app.server),
    replaceCertificate(tls) {
      if (tls === undefined && options.tls === undefined) return;
      if (tls === undefined || !(app.server instanceof TlsServer)) {
        throw new ReloadRefused("TLS: to switch it on or off needs a restart");
      }
      app.server.setSecureContext({ cert: tls.cert, key: tls.key });
    },
    [Symbol.asyncDispose]: () => connections.drain(drainMs, () => app.close()),
  };
}

const byName = { buildLocalReference: (schema: { readonly $id?: unknown }) => String(schema.$id) };
