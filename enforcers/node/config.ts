/**
 * Configuration of the gateway: one schema, `COUNTERSIGN_GATEWAY_` variables, unsafe combinations refused. The only file here
 * that reads the environment. Paths of key files are relative to the working directory; they are PEM.
 */
import { type Static, Type } from "typebox";
import { configFromCommandLine, type Started } from "../../platform/config/command-line.ts";
import { hostPortProblem, isHereAlone, samePortFaults } from "../../platform/config/addresses.ts";
import { unsafe } from "../../platform/config/fault.ts";
import { closed, OpsSchema, Port, processKeys } from "../../platform/config/fields.ts";
import { FilePath } from "../../platform/config/files.ts";
import type { Rule } from "../../platform/config/rules.ts";
import { isLoopback, pairFaults } from "../../platform/config/tls-rules.ts";

const RouteSchema = Type.Object(
  {
    prefix: Type.String({ pattern: "^/", description: "Prefix of the path; the first route that matches is used." }),
    upstream: Type.String({
      // By TLS only to a name: it is what the upstream's certificate has to say.
      pattern:
        "^(http://([A-Za-z0-9.-]+|\\[[0-9A-Fa-f:.]+\\])|https://[A-Za-z0-9.-]*[A-Za-z][A-Za-z0-9.-]*)(:[0-9]{1,5})?$",
      description: "Scheme, host and port; the path is passed on unchanged.",
    }),
    body: Type.Union([Type.Literal("buffered"), Type.Literal("streamed"), Type.Literal("none")], {
      default: "buffered",
      description:
        "buffered: bodies are shown to the policy, and an approval can be tied to them. streamed: passed on unseen. none: refused.",
    }),
    upgrade: Type.Boolean({ default: false, description: "Whether a client may switch to WebSocket." }),
    timeoutMs: Type.Integer({
      minimum: 100,
      maximum: 300_000,
      default: 15_000,
      description: "Time until the upstream's response headers.",
    }),
  },
  closed,
);

/** Of the variables. */
export const PREFIX = "COUNTERSIGN_GATEWAY_";

export const GatewayConfigSchema = Type.Object(
  {
    ...processKeys("gateway"),
    listen: Type.Object(
      {
        host: Type.String({ default: "127.0.0.1", description: "Address on which HTTP/1.1 is served, in plain text." }),
        port: Port(8080),
        plaintext: Type.Boolean({
          default: false,
          description: "Allow plain text beyond loopback (TLS ends in front of it).",
        }),
      },
      closed,
    ),
    ops: OpsSchema(8082),
    authorization: Type.Object(
      {
        address: Type.String({
          default: "127.0.0.1:9191",
          description: "host:port of the decision service.",
        }),
        timeoutMs: Type.Integer({
          minimum: 50,
          maximum: 30_000,
          default: 500,
          description: "How long to wait for its answer; then the request is refused.",
        }),
        tls: Type.Boolean({ default: false, description: "Encrypt, and verify the decision service's certificate." }),
        caPath: FilePath("CA certificates (PEM), instead of the system's roots."),
        certPath: FilePath("Client certificate."),
        keyPath: FilePath("Its private key."),
        plaintext: Type.Boolean({ default: false, description: "Allow plain text beyond loopback (a mesh encrypts)." }),
      },
      closed,
    ),
    routes: Type.Array(RouteSchema, {
      minItems: 1,
      description: "Which upstream serves which paths; the first match is used.",
    }),
    maxBufferBytes: Type.Integer({
      minimum: 0,
      maximum: 786_432,
      default: 65_536,
      description: "Largest body on a buffered route; the decision service's message limit must be larger.",
    }),
    maxStreamMs: Type.Integer({
      minimum: 1_000,
      maximum: 3_600_000,
      default: 300_000,
      description: "Longest time of one request.",
    }),
    connectionsPerUpstream: Type.Integer({
      minimum: 1,
      maximum: 4_096,
      default: 256,
      description: "Concurrent connections to each upstream.",
    }),
    drainMs: Type.Integer({
      minimum: 0,
      maximum: 60_000,
      default: 5_000,
      description: "After SIGTERM: how long requests in progress may take before they are cut.",
    }),
  },
  closed,
);

export type GatewayConfig = Static<typeof GatewayConfigSchema>;

/** From the command line and the environment of this process. */
export function readConfig(args: readonly string[]): Promise<Started<GatewayConfig>> {
  return configFromCommandLine({
    args,
    schema: GatewayConfigSchema,
    env: process.env,
    prefix: PREFIX,
    rules: unsafeTogether,
  });
}

export const unsafeTogether: readonly Rule<GatewayConfig>[] = [
  ({ listen: { host, plaintext } }) => {
    if (isLoopback(host) || plaintext) return [];
    const choice = "set listen.plaintext if TLS ends before";
    return [unsafe("listen.host", `is not loopback and tokens would travel in plain text; ${choice}`)];
  },
  ({ authorization: { address } }) => {
    const problem = hostPortProblem(address);
    return problem === undefined ? [] : [unsafe("authorization.address", problem)];
  },
  ({ listen, ops }) =>
    samePortFaults([
      { ...listen, key: "listen.port" },
      { ...ops, key: "ops.port" },
    ]),
  ({ authorization: { tls, address, plaintext } }) => {
    if (tls || isHereAlone(address) || plaintext) return [];
    const choice = "set authorization.tls, or authorization.plaintext if a mesh encrypts";
    return [unsafe("authorization.address", `is not loopback and there is no TLS; ${choice}`)];
  },
  ({ authorization: { tls, caPath, certPath, keyPath } }) =>
    !tls && (caPath ?? certPath ?? keyPath) !== undefined
      ? [unsafe("authorization.tls", "is off although certificates are given; switch it on")]
      : [],
  ({ authorization }) => pairFaults("authorization", authorization),
  ({ routes }) =>
    routes.flatMap(({ prefix }, at) => {
      const earlier = routes.slice(0, at).find((route) => prefix.startsWith(route.prefix));
      if (earlier === undefined) return [];
      return [unsafe(`routes.${at}.prefix`, "is never reached, an earlier prefix takes it; move it up")];
    }),
];
