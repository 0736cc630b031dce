/**
 * Configuration of the decision service: one schema, `COUNTERSIGN_` variables, unsafe combinations refused. The only file of this
 * service that reads the environment. Paths are relative to the working directory; key files are PEM.
 */
import { type Static, Type } from "typebox";
import { IssuerSchema, issuerFaults } from "../../core/identity/issuers.ts";
import { PrincipalsSchema, principalFaults } from "../../core/identity/principal-config.ts";
import { TokenSourceSchema } from "../../core/identity/token-source.ts";
import { BudgetSchema } from "../../core/policy/budget-config.ts";
import { ApiSchema, apiFaults } from "../../core/identity/api-config.ts";
import { ContextSchema, contextFaults } from "../../core/policy/context-config.ts";
import { bundleFaults, ShadowedBundleSchema, shadowFaults } from "../../core/policy/bundles/config.ts";
import { CompatSchema, compatFaults } from "../../core/policy/compat-config.ts";
import { DevelopmentSchema, developmentFaults } from "../../core/policy/explain/development-config.ts";
import { configFromCommandLine, type Started } from "../../platform/config/command-line.ts";
import type { ConfigFault } from "../../platform/config/load.ts";
import { KafkaSchema } from "../../platform/stream/kafka-config.ts";
import { streamFaults } from "../../platform/stream/open-stream.ts";
import { PostgresStreamSchema } from "../../platform/stream/postgres-config.ts";
import { TracesSchema } from "../../platform/traces/config.ts";
import { workerFaults, workerKeys } from "../../platform/workers/config.ts";

export const PREFIX = "COUNTERSIGN_";

const closed = { additionalProperties: false } as const;
const Text = (description: string) => Type.String({ minLength: 1, description });
const Port = (port: number, description: string) =>
  Type.Integer({ minimum: 0, maximum: 65_535, default: port, description });
const Path = (description: string) => Type.Optional(Text(description));

export const DecisionConfigSchema = Type.Object(
  {
    deployment: Text("Name of the deployment; part of every signature, the same in both services."),
    instance: Type.String({
      default: "decision",
      pattern: "^[A-Za-z0-9._-]{1,64}$",
      description: "Names this process.",
    }),
    logLevel: Type.Union([Type.Literal("info"), Type.Literal("warn"), Type.Literal("error"), Type.Literal("debug")], {
      default: "info",
      description: "What is logged: this and whatever is graver. No level shows tokens or bodies.",
    }),
    ...workerKeys,
    listen: Type.Object(
      {
        host: Type.String({ default: "127.0.0.1", description: "Where ext_authz is served." }),
        port: Port(9191, "0: any free one."),
        certPath: Path("Certificate chain; TLS when given."),
        keyPath: Path("Private key of the certificate."),
        clientCaPath: Path("Enforcers have to show a certificate by one of these."),
        plaintext: Type.Boolean({ default: false, description: "Allow plain text beyond loopback (a mesh encrypts)." }),
        maxMessageBytes: Type.Integer({
          minimum: 65_536,
          maximum: 16_777_216,
          default: 1_048_576,
          description: "Largest check request; above the body limit of the enforcer.",
        }),
        maxInFlight: Type.Integer({
          minimum: 1,
          maximum: 100_000,
          default: 512,
          description: "Checks at once; more are shed.",
        }),
        deadlineMs: Type.Integer({ minimum: 50, maximum: 30_000, default: 450, description: "Of one check." }),
      },
      closed,
    ),
    api: Type.Optional(ApiSchema),
    ops: Type.Object(
      {
        host: Type.String({
          default: "127.0.0.1",
          description: "Where operators ask: /healthz, /readyz, /metrics; plain HTTP, keep it inside.",
        }),
        port: Port(9192, "0: any free one."),
      },
      closed,
    ),
    bundle: ShadowedBundleSchema,
    policy: Type.Object({ compat: CompatSchema, budget: BudgetSchema }, closed),
    identity: Type.Object(
      {
        issuers: Type.Array(IssuerSchema, {
          default: [],
          description: "Whose tokens count, and what their claims mean here.",
        }),
        principals: PrincipalsSchema,
        token: TokenSourceSchema,
        keyFolder: Path("Where the last good key sets are kept across restarts."),
        defaultRealm: Type.String({ default: "default", description: "Realm of reviewer sets that name none." }),
      },
      closed,
    ),
    signing: Type.Object(
      {
        kid: Text("Key id of this process; the approval service knows its public key."),
        keyPath: Text("Ed25519, PKCS#8."),
      },
      closed,
    ),
    state: Type.Object(
      {
        trustedKeys: Type.Record(Type.String(), Type.String(), {
          default: {},
          description: "Key id → path of the public key of each state relay.",
        }),
        readyWithinMs: Type.Integer({
          minimum: 0,
          maximum: 60_000,
          default: 10_000,
          description:
            "Ready after this time also without having read the state topic to its end; grants then wait for it.",
        }),
      },
      closed,
    ),
    // One of these two is where the services meet.
    kafka: Type.Optional(KafkaSchema),
    stream: Type.Optional(PostgresStreamSchema),
    redemption: Type.Object(
      {
        address: Type.String({ default: "", description: "host:port of the approval service's gRPC port." }),
        tls: Type.Boolean({ default: false, description: "Encrypt, and verify the approval service's certificate." }),
        caPath: Path("Instead of the system's roots."),
        certPath: Path("Client certificate."),
        keyPath: Path("Its private key."),
        serviceToken: Type.Optional(
          Type.String({
            minLength: 16,
            "x-secret": true,
            description: "What this service shows when it has no client certificate; the same in the approval service.",
          }),
        ),
        plaintext: Type.Boolean({ default: false, description: "Allow plain text beyond loopback (a mesh encrypts)." }),
      },
      closed,
    ),
    decisionLog: Type.Object(
      {
        folder: Text("The spool. One process per folder."),
        audit: Type.Union([Type.Literal("required"), Type.Literal("best_effort")], {
          default: "best_effort",
          description: "required: an answer waits until its record is on disk, and is a denial when that fails.",
        }),
        maxSpoolBytes: Type.Integer({
          minimum: 1_048_576,
          default: 1_073_741_824,
          description: "Records kept while the stream is away; with audit required a full spool denies.",
        }),
      },
      closed,
    ),
    denials: Type.Object(
      {
        burst: Type.Integer({ minimum: 1, default: 20, description: "New denials of one subject at once." }),
        perMinute: Type.Integer({ minimum: 1, default: 10, description: "New denials of one subject after that." }),
        requestUrl: Path("Where requests are submitted, as shown to requesters."),
      },
      closed,
    ),
    context: ContextSchema,
    trustedProxies: Type.Integer({
      minimum: 0,
      maximum: 16,
      default: 0,
      description:
        "Proxies before the enforcer that write x-forwarded-for; without their entry a source is unknown. 0: the peer is the client.",
    }),
    development: DevelopmentSchema,
    traces: Type.Optional(TracesSchema),
    drainMs: Type.Integer({
      minimum: 0,
      maximum: 60_000,
      default: 5_000,
      description: "At the end: how long calls under way may take before they are cut.",
    }),
  },
  closed,
);

export type DecisionConfig = Static<typeof DecisionConfigSchema>;

/** From the command line and the environment of this process. */
export function readConfig(args: readonly string[]): Promise<Started<DecisionConfig>> {
  return configFromCommandLine({
    args,
    schema: DecisionConfigSchema,
    env: process.env,
    prefix: PREFIX,
    check: unsafeTogether,
  });
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/;

export function unsafeTogether(config: DecisionConfig): readonly ConfigFault[] {
  const { issuers, principals, token } = config.identity;
  const faults: ConfigFault[] = [
    ...issuerFaults(issuers, "identity.issuers"),
    ...principalFaults(principals, issuers, "identity.principals"),
  ];
  const fault = (key: string, problem: string) => faults.push({ key, variable: undefined, problem });
  const { listen } = config;
  if ((listen.certPath === undefined) !== (listen.keyPath === undefined)) {
    fault("listen.certPath", "and listen.keyPath belong together; set both or none");
  }
  if (listen.clientCaPath !== undefined && listen.certPath === undefined) {
    fault(
      "listen.clientCaPath",
      "asks enforcers for certificates, which needs TLS; set listen.certPath and listen.keyPath",
    );
  }
  if (listen.certPath === undefined && !LOOPBACK.test(listen.host) && !listen.plaintext) {
    const choice = "set listen.certPath, or listen.plaintext if a mesh encrypts";
    fault("listen.host", `is not loopback and there is no TLS; ${choice}`);
  }
  // NB: a token proves itself; an identity or claims that the enforcer states are its word, and whoever may ask could be anybody.
  if (!LOOPBACK.test(listen.host) && listen.clientCaPath === undefined && !listen.plaintext) {
    const problem = "would believe any enforcer; set listen.clientCaPath, so that only yours may ask";
    if (principals.length > 0) fault("identity.principals", problem);
    if (token.metadata !== undefined) fault("identity.token.metadata", problem);
  }
  const isCompat = config.policy.compat.path !== undefined;
  const isLoopback = [listen, config.ops, ...(config.api === undefined ? [] : [config.api])].every(({ host }) =>
    LOOPBACK.test(host),
  );
  faults.push(
    ...workerFaults(config),
    ...streamFaults(config),
    ...bundleFaults(config.bundle, "bundle"),
    ...shadowFaults(config.bundle, "bundle"),
    ...compatFaults(config.policy.compat, "policy.compat"),
    ...contextFaults(config.context, "context"),
    ...developmentFaults(config.development, { isLoopback, isCompat }, "development"),
  );
  faults.push(...apiFaults(config, (host) => LOOPBACK.test(host)));
  if (isCompat && config.bundle.shadow !== undefined) {
    fault("bundle.shadow", "compares policies of our own kind, and policy.compat.path is set; remove one of them");
  }
  // A compatibility policy knows no approvals, so that none of this is used.
  if (!isCompat) faults.push(...approvalFaults(config));
  return faults;
}

/** What grants and denials need. */
function approvalFaults({ redemption, state }: DecisionConfig): readonly ConfigFault[] {
  const faults: ConfigFault[] = [];
  const fault = (key: string, problem: string) => faults.push({ key, variable: undefined, problem });
  if (redemption.address === "") {
    fault("redemption.address", "is missing; set it to host:port of the approval service's gRPC port");
    return faults;
  }
  const redemptionHost = redemption.address.replace(/:\d+$/, "");
  if (!redemption.tls && !LOOPBACK.test(redemptionHost) && !redemption.plaintext) {
    fault(
      "redemption.address",
      "is not loopback and there is no TLS; set redemption.tls, or redemption.plaintext if a mesh encrypts",
    );
  }
  if ((redemption.certPath === undefined) !== (redemption.keyPath === undefined)) {
    fault("redemption.certPath", "and redemption.keyPath belong together; set both or none");
  }
  if (redemption.certPath === undefined && redemption.serviceToken === undefined) {
    fault(
      "redemption.serviceToken",
      "is missing and there is no certPath, so no limited grant could be used; set COUNTERSIGN_REDEMPTION_SERVICE_TOKEN or its _FILE",
    );
  }
  if (!redemption.tls && (redemption.certPath ?? redemption.keyPath ?? redemption.caPath) !== undefined) {
    fault("redemption.tls", "is off although certificates are given; switch it on");
  }
  if (Object.keys(state.trustedKeys).length === 0)
    fault("state.trustedKeys", "is empty, so no grant could be trusted; name the relay's key");
  return faults;
}
