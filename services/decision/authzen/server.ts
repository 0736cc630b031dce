/**
 * AuthZEN 1.0 over HTTP: metadata and keys without authentication, everything else for known callers (api/callers.ts). Answers are 200, also for
 * a denial; 400 for a malformed request; 401 for an unknown caller; 403 for `enforce` by a client that may not; 404 for searches that no policy
 * serves; 503 above the limit of concurrent requests, or of those waiting for a turn or for verification, and for a token whose issuer's keys are
 * not here. The text of an error is a sentence for its reader and repeats nothing that was sent.
 */
import { Server as TlsServer } from "node:tls";
import { TypeBoxValidatorCompiler } from "@fastify/type-provider-typebox";
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { ServerTls } from "../../../platform/config/pem-files.ts";
import { portOf, SILENT_MS, STRICT, STRICT_TLS, superviseConnections } from "../../../platform/http/connections.ts";
import { replacementFor, secureContextOf } from "../../../platform/grpc/server-tls.ts";
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import type { ApiCallers } from "../api/ports.ts";
import type { Faults } from "../ports.ts";
import { type Admission, createAdmission } from "./admission.ts";
import { createDirect, type Direct } from "./direct.ts";
import { createEvaluations, type EvaluationDeps } from "./evaluations.ts";
import { type NewDeadline, requestIdOf } from "./http-caller.ts";
import { metadataOf, metadataPath, PATHS } from "./metadata.ts";
import { createObserveRequest } from "./observe-request.ts";
import { addEvaluationRoutes, admitCallers } from "./routes.ts";
import { ALWAYS, FAULT, NOT_JSON, say, sentenceOf } from "./say.ts";
import { addSearchRoutes, type SearchDeps } from "./search-routes.ts";

/** Verifiers fetch again if they meet an unknown key. */
const KEYS_CACHED = "public, max-age=300";

type AuthzenDeps = EvaluationDeps &
  SearchDeps & {
    readonly callers: ApiCallers;
    readonly newRequestId: () => string;
    readonly newDeadline: NewDeadline;
    readonly faults: Faults;
    readonly metrics: Metrics;
  };

type AuthzenOptions = {
  readonly host: string;
  readonly port: number;
  readonly tls: ServerTls | undefined;
  /** https, without query, fragment and slash at its end. */
  readonly baseUrl: string;
  readonly maxBodyBytes: number;
  /** More requests at once are shed. */
  readonly maxInFlight: number;
  /** How long requests in progress may take at the end. */
  readonly drainMs: number;
};

type AuthzenServer = AsyncDisposable & {
  readonly port: number;
  /** For connections from now on. @throws when it cannot be used; the one before stays. */
  replaceCertificates(tls: ServerTls | undefined): void;
};

/** Listens. Rejects when the port is taken. Disposing of it lets requests that have begun end, within `drainMs`. */
export async function startAuthzenServer(deps: AuthzenDeps, options: AuthzenOptions): Promise<AuthzenServer> {
  const admission = createAdmission(options);
  const app = createAuthzen(deps, options, admission);
  const connections = superviseConnections(app.server);
  await app.listen({ host: options.host, port: options.port });
  return {
    port: portOf(app.server),
    replaceCertificates(tls) {
      // NB: without `ca` a server that asks for certificates trusts the authorities of the whole web.
      const next = replacementFor(options.tls, tls);
      if (next !== undefined && app.server instanceof TlsServer) app.server.setSecureContext(secureContextOf(next));
    },
    [Symbol.asyncDispose]() {
      admission.close();
      return connections.drain(options.drainMs, () => app.close());
    },
  };
}

/** The interface, not yet listening. */
function createAuthzen(deps: AuthzenDeps, options: AuthzenOptions, admission: Admission): FastifyInstance {
  const { callers, newRequestId, newDeadline, metrics, candidates, readClocks, faults } = deps;
  const { tls, baseUrl, maxBodyBytes } = options;
  const settings = {
    bodyLimit: maxBodyBytes,
    requestTimeout: 10_000,
    connectionTimeout: SILENT_MS,
    exposeHeadRoutes: false,
    genReqId: (request: Parameters<typeof requestIdOf>[0]) => requestIdOf(request, newRequestId),
    // What the router refuses comes by no hook and no error handler; fastify's own answer would show what was sent.
    frameworkErrors: (_error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      say(reply.headers({ ...ALWAYS, "x-request-id": request.id }), 400, "the address cannot be read");
    },
  };
  const app: FastifyInstance =
    tls === undefined ? fastify({ ...settings, http: STRICT }) : fastify({ ...settings, https: asked(tls) });
  app.removeContentTypeParser("text/plain");
  app.setValidatorCompiler(TypeBoxValidatorCompiler);
  app.setSerializerCompiler(() => JSON.stringify);
  const observe = createObserveRequest(metrics);
  const monotonicMs = () => readClocks().monoMs;
  // What waits for nothing calls back: a promise for each hook of each request is no small part of what an answer costs.
  app.addHook("onRequest", (request, reply, done) => {
    reply.headers({ ...ALWAYS, "x-request-id": request.id });
    const startedMs = monotonicMs();
    // NB: not `onResponse`, which never comes when the connection ends before the answer.
    reply.raw.once("close", () => {
      observe(request.routeOptions.schema?.operationId ?? "none", reply.raw, monotonicMs() - startedMs);
    });
    done();
  });
  app.setNotFoundHandler((_request, reply) => say(reply, 404, "there is nothing here"));
  app.setErrorHandler<FastifyError>((error, _request, reply) => answerFault(faults, error, reply));

  const { accessRequests } = deps.answers;
  app.get(metadataPath(baseUrl), { schema: { operationId: "metadata" } }, () =>
    metadataOf(baseUrl, candidates, accessRequests),
  );
  const prefix = new URL(baseUrl).pathname.replace(/\/$/, "");
  if (accessRequests !== undefined) {
    app.get(prefix + PATHS.jwks, { schema: { operationId: "jwks" } }, (_request, reply) =>
      reply.header("cache-control", KEYS_CACHED).send({ keys: accessRequests.keys() }),
    );
  }
  const evaluations = createEvaluations(deps);
  void app.register(
    async (scope) => {
      admitCallers(scope, { callers, newDeadline, admission });
      addEvaluationRoutes(scope, evaluations, admission);
      addSearchRoutes(scope, deps, admission);
    },
    { prefix },
  );
  const direct = createDirect(
    { evaluations, callers, admission, newDeadline, newRequestId, monotonicMs, observe, faults },
    { prefix, maxBodyBytes },
  );
  putBefore(app, direct);
  return app;
}

/** What `direct` does not handle continues as if it were not there. */
function putBefore({ server }: FastifyInstance, direct: Direct): void {
  const others = server.listeners("request");
  server.removeAllListeners("request").on("request", (request, response) => {
    if (direct(request, response)) return;
    for (const other of others) Reflect.apply(other, server, [request, response]);
  });
}

function answerFault(faults: Faults, error: FastifyError, reply: FastifyReply): FastifyReply {
  if (error.validation !== undefined) {
    const [first] = error.validation;
    return say(reply, 400, sentenceOf(first));
  }
  if (error.statusCode === 413) return say(reply, 413, "the body is too large");
  // Another media type is a 400 as well: AuthZEN knows no 415.
  if (error.statusCode !== undefined && error.statusCode < 500) return say(reply, NOT_JSON.status, NOT_JSON.sentence);
  faults.report(error);
  return say(reply, FAULT.status, FAULT.sentence);
}

function asked(tls: ServerTls) {
  const isAsked = { requestCert: tls.clientCa !== undefined, rejectUnauthorized: true };
  return { ...STRICT_TLS, ...secureContextOf(tls), ...isAsked };
}
