/**
 * AuthZEN 1.0 over HTTP: the well-known metadata and the keys for everybody, everything else for callers that are known (api/callers.ts).
 * Answers are 200 also for a denial; 400 for what is no such request, whatever is wrong with it; 401 for an unknown caller;
 * 403 for `enforce` by a client that may not; 404 for searches that no policy serves; 503 above the limit of requests at
 * once. The text of an error is a sentence for its reader and nothing of what was sent.
 */
import type { AddressInfo } from "node:net";
import { Server as TlsServer, TLSSocket } from "node:tls";
import { TypeBoxValidatorCompiler } from "@fastify/type-provider-typebox";
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { ServerTls } from "../../../platform/config/pem-files.ts";
import { replacementFor } from "../../../platform/grpc/server-tls.ts";
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import type { ApiCallers, Authenticated } from "../api/ports.ts";
import { certificateNames } from "./certificate-names.ts";
import { metadataOf, metadataPath, PATHS } from "./metadata.ts";
import { addEvaluationRoutes, type RouteDeps } from "./routes.ts";
import { say } from "./say.ts";
import { addSearchRoutes } from "./search-routes.ts";

const BUCKETS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5];
/** Verifiers come back for a key that they do not know. */
const KEYS_CACHED = "public, max-age=300";
const AUTHORIZATION = "authorization";
const REQUEST_ID = /^[!-~]{1,128}$/;

type AuthzenDeps = RouteDeps & {
  readonly callers: ApiCallers;
  readonly newRequestId: () => string;
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
};

type AuthzenServer = AsyncDisposable & {
  readonly port: number;
  /** For connections from now on. @throws when it cannot be used; the one before stays. */
  replaceCertificates(tls: ServerTls | undefined): void;
};

/** Listens. Rejects when the port is taken. Disposing of it lets requests that have begun end. */
export async function startAuthzenServer(deps: AuthzenDeps, options: AuthzenOptions): Promise<AuthzenServer> {
  const app = createAuthzen(deps, options);
  await app.listen({ host: options.host, port: options.port });
  return {
    port: portOf(app.server.address()),
    replaceCertificates(tls) {
      // NB: without `ca` a server that asks for certificates trusts the authorities of the whole web.
      const next = replacementFor(options.tls, tls);
      if (next !== undefined && app.server instanceof TlsServer) app.server.setSecureContext(secureContext(next));
    },
    [Symbol.asyncDispose]: () => app.close(),
  };
}

/** The interface, not yet listening. */
function createAuthzen(deps: AuthzenDeps, options: AuthzenOptions): FastifyInstance {
  const { callers, newRequestId, metrics, candidates } = deps;
  const { tls, baseUrl, maxBodyBytes, maxInFlight } = options;
  const settings = {
    bodyLimit: maxBodyBytes,
    requestTimeout: 10_000,
    exposeHeadRoutes: false,
    genReqId: (request: { readonly headers: NodeJS.Dict<string | string[]> }) => {
      const sent = request.headers["x-request-id"];
      return typeof sent === "string" && REQUEST_ID.test(sent) ? sent : newRequestId();
    },
  };
  const app: FastifyInstance = tls === undefined ? fastify(settings) : fastify({ ...settings, https: asked(tls) });
  app.removeContentTypeParser("text/plain");
  app.setValidatorCompiler(TypeBoxValidatorCompiler);
  app.setSerializerCompiler(() => JSON.stringify);
  const seconds = metrics.histogram("authzen_request_seconds", "AuthZEN requests by operation and status", BUCKETS_S, [
    "operation",
    "status",
  ]);
  // What waits for nothing calls back: a promise for each hook of each request is no small part of what an answer costs.
  app.addHook("onRequest", (request, reply, done) => {
    reply.headers({ "cache-control": "no-store", "x-content-type-options": "nosniff", "x-request-id": request.id });
    done();
  });
  app.addHook("onResponse", (request, reply, done) => {
    const operation = request.routeOptions.schema?.operationId ?? "none";
    seconds.observe({ operation, status: String(reply.statusCode) }, reply.elapsedTime / 1_000);
    done();
  });
  app.setNotFoundHandler((_request, reply) => say(reply, 404, "there is nothing here"));
  app.setErrorHandler<FastifyError>((error, _request, reply) => answerFault(deps, error, reply));

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
  let inFlight = 0;
  void app.register(
    async (scope) => {
      scope.decorateRequest("caller", null);
      scope.decorateRequest("counted", false);
      scope.addHook("onRequest", async (request, reply) => {
        if (inFlight >= maxInFlight) {
          return say(reply.header("retry-after", "1"), 503, "too many requests at once");
        }
        inFlight += 1;
        request.setDecorator("counted", true);
        return admit(await callers.authenticate(shownBy(request)), request, reply);
      });
      scope.addHook("onResponse", (request, _reply, done) => {
        if (request.getDecorator<boolean>("counted")) inFlight -= 1;
        done();
      });
      addEvaluationRoutes(scope, deps);
      addSearchRoutes(scope, deps);
    },
    { prefix },
  );
  return app;
}

function shownBy({ raw: { rawHeaders, socket } }: FastifyRequest): Parameters<ApiCallers["authenticate"]>[0] {
  const authorization: string[] = [];
  // Name, value, name, value, as they came. NB: `headers` drops all authorization headers but the first.
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    if (name.length === AUTHORIZATION.length && name.toLowerCase() === AUTHORIZATION) {
      authorization.push(rawHeaders[at + 1] ?? "");
    }
  }
  return { authorization, certificateNames: socket instanceof TLSSocket ? certificateNames(socket) : [] };
}

/** Goes on only with somebody who is known. */
function admit(
  caller: Awaited<ReturnType<ApiCallers["authenticate"]>>,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply | undefined {
  if (caller.kind === "refused") {
    const challenge = caller.reason === "authentication_required" ? "Bearer" : 'Bearer error="invalid_token"';
    return say(reply.header("www-authenticate", challenge), 401, `show who is calling: ${caller.reason}`);
  }
  request.setDecorator<Authenticated>("caller", caller);
  return undefined;
}

function answerFault({ faults }: RouteDeps, error: FastifyError, reply: FastifyReply): FastifyReply {
  if (error.validation !== undefined) {
    const [first] = error.validation;
    return say(reply, 400, `${first?.instancePath || "body"} ${first?.message ?? "is not valid"}`);
  }
  if (error.statusCode === 413) return say(reply, 413, "the body is too large");
  // Another media type is a 400 as well: AuthZEN knows no 415.
  if (error.statusCode !== undefined && error.statusCode < 500) return say(reply, 400, "the body is not JSON");
  faults.report(error);
  return say(reply, 500, "something went wrong here");
}

function secureContext({ cert, key, clientCa }: ServerTls) {
  return { cert, key, ...(clientCa === undefined ? {} : { ca: clientCa }) };
}

function asked(tls: ServerTls) {
  return { ...secureContext(tls), requestCert: tls.clientCa !== undefined, rejectUnauthorized: true };
}

function portOf(bound: AddressInfo | string | null): number {
  if (bound === null || typeof bound === "string") throw new Error("the AuthZEN server has no TCP address");
  return bound.port;
}
