/**
 * Configuration of the approval service: one schema, `COUNTERSIGN_` variables, and rules against unsafe combinations. The only file of this
 * service that reads the environment. Paths are relative to the working directory; key files are PEM.
 */
import { type Static, Type } from "typebox";
import { accessRequestFaults, AccessRequestsSchema } from "../../core/identity/access-requests-config.ts";
import { BudgetSchema } from "../../core/policy/budget-config.ts";
import { chosenEnvironment, environmentFaults, EnvironmentSchema } from "../../core/policy/environment-config.ts";
import { IssuerSchema, issuerFaults } from "../../core/identity/issuers.ts";
import { createPersonIds } from "../../core/identity/person-id.ts";
import { PrincipalsSchema, principalFaults } from "../../core/identity/principal-config.ts";
import { bundleFaults, BundleSchema } from "../../core/policy/bundles/config.ts";
import { configFromCommandLine, type Started } from "../../platform/config/command-line.ts";
import { ownVariables } from "../../platform/config/keys.ts";
import { databaseProblem } from "../../platform/config/addresses.ts";
import { unsafe } from "../../platform/config/fault.ts";
import { closed, OpsSchema, Path, processKeys, Text } from "../../platform/config/fields.ts";
import { FilesById, NeededFilePath } from "../../platform/config/files.ts";
import type { Rule } from "../../platform/config/rules.ts";
import { KafkaSchema } from "../../platform/stream/kafka-config.ts";
import { streamFaults } from "../../platform/stream/open-stream.ts";
import { PostgresStreamSchema } from "../../platform/stream/postgres-config.ts";
import { TracesSchema } from "../../platform/traces/config.ts";
import { listenerRules, RedemptionSchema, RestSchema } from "./config/listeners.ts";
import { ProfilesSchema } from "./config/profiles.ts";
import { WebhookSchema, webhookFaults } from "./config/webhook.ts";

/** Of the variables. */
export const PREFIX = "COUNTERSIGN_";

export const ApprovalConfigSchema = Type.Object(
  {
    deployment: Text("Name of the deployment, part of every signature; the same in both services."),
    ...processKeys("approval"),
    rest: RestSchema,
    redemption: RedemptionSchema,
    ops: OpsSchema(9202),
    database: Type.Object(
      {
        url: Type.String({
          minLength: 1,
          "x-secret": true,
          "x-env-variable": "DATABASE_URL",
          description:
            "PostgreSQL, as postgres://user:password@host/database; beyond loopback with ?sslmode=verify-full&sslrootcert=FILE, or ?sslmode=disable where something else encrypts.",
        }),
        maxConnections: Type.Integer({
          minimum: 2,
          maximum: 500,
          default: 10,
          description: "Connections of the pool; listening and leader election use about a dozen sessions more.",
        }),
        migrate: Type.Boolean({
          default: false,
          description: "Migrate the schema at start; otherwise run npm run migrate first.",
        }),
      },
      closed,
    ),
    // One of these two is where the services meet.
    kafka: Type.Optional(KafkaSchema),
    stream: Type.Optional(PostgresStreamSchema),
    bundle: BundleSchema,
    policy: Type.Object({ budget: BudgetSchema, environment: EnvironmentSchema }, closed),
    identity: Type.Object(
      {
        issuers: Type.Array(IssuerSchema, {
          default: [],
          description: "Issuers whose tokens are accepted, and what their claims mean here.",
        }),
        principals: PrincipalsSchema,
        keyFolder: Path("Folder where the last good key sets are kept across restarts; one per process."),
        defaultRealm: Type.String({
          default: "default",
          pattern: "^[^/]+$",
          description: "Realm of reviewer sets that do not name one; no slash in it.",
        }),
      },
      closed,
    ),
    roles: Type.Object(
      {
        security: Type.Array(Type.Object({ issuer: Text("Its `iss`."), group: Text("Of its tokens.") }, closed), {
          default: [],
          description:
            "Accounts that see everything, read the audit record and may revoke any grant; their agents only see and read.",
        }),
      },
      closed,
    ),
    signing: Type.Object(
      {
        kid: Text("Key id of the state relay; the decision services know its public key."),
        keyPath: NeededFilePath("Ed25519, PKCS#8."),
        previousKeys: FilesById(
          "Key id → path of the public key of each earlier signer whose records are still on the topic.",
          { default: {} },
        ),
      },
      closed,
    ),
    decisionServices: Type.Object(
      {
        trustedKeys: FilesById("Key id → path of the public key of each decision service."),
      },
      closed,
    ),
    profiles: ProfilesSchema,
    accessRequests: Type.Optional(AccessRequestsSchema),
    webhook: Type.Optional(WebhookSchema),
    traces: Type.Optional(TracesSchema),
    drainMs: Type.Integer({
      minimum: 0,
      maximum: 60_000,
      default: 5_000,
      description: "After SIGTERM: how long calls in progress may take before they are cut.",
    }),
  },
  closed,
);

export type ApprovalConfig = Static<typeof ApprovalConfigSchema>;

/** From the command line and the environment of this process. */
export function readConfig(args: readonly string[]): Promise<Started<ApprovalConfig>> {
  return configFromCommandLine({
    args,
    schema: ApprovalConfigSchema,
    env: process.env,
    prefix: PREFIX,
    rules: [
      ...unsafeTogether,
      ({ policy }) => environmentFaults(policy.environment, process.env, ownVariables(ApprovalConfigSchema, PREFIX)),
    ],
  });
}

/** For the policy host: with what policies see of the environment of this process. */
export function policySettings({ bundle, identity, policy }: ApprovalConfig) {
  const environment = chosenEnvironment(policy.environment, process.env);
  const personId = createPersonIds([...identity.issuers, ...identity.principals]);
  const { defaultRealm } = identity;
  return { bundle, defaultRealm, personId, budget: policy.budget, environment, routesOnly: true };
}

export const unsafeTogether: readonly Rule<ApprovalConfig>[] = [
  ({ identity }) => issuerFaults(identity.issuers, "identity.issuers"),
  ({ identity: { principals, issuers } }) => principalFaults(principals, issuers, "identity.principals"),
  streamFaults,
  ({ bundle }) => bundleFaults(bundle, "bundle"),
  ({ accessRequests }) => accessRequestFaults(accessRequests),
  ({ identity }) =>
    identity.issuers.length === 0
      ? [unsafe("identity.issuers", "is empty, so nobody could ask or approve; name the issuer of your tokens")]
      : [],
  ...listenerRules,
  ({ decisionServices: { trustedKeys } }) => {
    if (Object.keys(trustedKeys).length > 0) return [];
    const problem = "is empty, so no denial could be trusted; name the decision services' keys";
    return [unsafe("decisionServices.trustedKeys", problem)];
  },
  ({ database: { url } }) => {
    const problem = databaseProblem(url);
    return problem === undefined ? [] : [unsafe("database.url", problem)];
  },
  ({ identity, roles }) => {
    const known = new Set(identity.issuers.map(({ issuer }) => issuer));
    return roles.security.flatMap(({ issuer }, index) =>
      known.has(issuer)
        ? []
        : [unsafe(`roles.security.${index}.issuer`, "is not an issuer of identity.issuers; correct it")],
    );
  },
  ({ webhook }) => webhookFaults(webhook),
];
