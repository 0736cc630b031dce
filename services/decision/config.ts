/**
 * Configuration of the decision service: one schema of sections (config/, and those of core and platform), `COUNTERSIGN_` variables, and rules
 * against unsafe combinations. The only file of this service that reads the environment. Paths are relative to the working directory; key files
 * are PEM.
 */
import { type Static, Type } from "typebox";
import { ApiSchema, apiFaults } from "../../core/identity/api-config.ts";
import { BudgetSchema } from "../../core/policy/budget-config.ts";
import { bundleFaults, ShadowedBundleSchema, shadowFaults } from "../../core/policy/bundles/config.ts";
import { CompatSchema, compatFaults } from "../../core/policy/compat-config.ts";
import { ContextSchema, contextFaults } from "../../core/policy/context-config.ts";
import { chosenEnvironment, environmentFaults, EnvironmentSchema } from "../../core/policy/environment-config.ts";
import { DevelopmentSchema, developmentFaults } from "../../core/policy/explain/development-config.ts";
import { samePortFaults, shownAddressProblem } from "../../platform/config/addresses.ts";
import { configFromCommandLine, type Started } from "../../platform/config/command-line.ts";
import { closed, OpsSchema, processKeys, Text } from "../../platform/config/fields.ts";
import { ownVariables } from "../../platform/config/keys.ts";
import { type ConfigFault, unsafe } from "../../platform/config/fault.ts";
import { NeededFilePath } from "../../platform/config/files.ts";
import type { Rule } from "../../platform/config/rules.ts";
import { isLoopback } from "../../platform/config/tls-rules.ts";
import { KafkaSchema } from "../../platform/stream/kafka-config.ts";
import { streamFaults } from "../../platform/stream/open-stream.ts";
import { PostgresStreamSchema } from "../../platform/stream/postgres-config.ts";
import { TracesSchema } from "../../platform/traces/config.ts";
import { workerFaults, workerKeys } from "../../platform/workers/config.ts";
import { IdentitySchema, identityRules } from "./config/identity.ts";
import { ListenSchema, listenRules } from "./config/listen.ts";
import { NetworkSchema, networkFaults } from "./config/network.ts";
import { DecisionLogSchema, DenialsSchema } from "./config/records.ts";
import { RedemptionSchema, redemptionRules } from "./config/redemption.ts";
import { StateSchema, stateFaults } from "./config/state.ts";

export const PREFIX = "COUNTERSIGN_";

export const DecisionConfigSchema = Type.Object(
  {
    deployment: Text("Name of the deployment, part of every signature; the same in both services."),
    ...processKeys("decision"),
    ...workerKeys,
    listen: ListenSchema,
    api: Type.Optional(ApiSchema),
    ops: OpsSchema(9192),
    bundle: ShadowedBundleSchema,
    policy: Type.Object(
      { compat: CompatSchema, budget: BudgetSchema, environment: EnvironmentSchema, network: NetworkSchema },
      closed,
    ),
    identity: IdentitySchema,
    signing: Type.Object(
      {
        kid: Text("Key id of this process; the approval service knows its public key."),
        keyPath: NeededFilePath("Ed25519, PKCS#8."),
      },
      closed,
    ),
    state: StateSchema,
    // One of these two is where the services meet.
    kafka: Type.Optional(KafkaSchema),
    stream: Type.Optional(PostgresStreamSchema),
    redemption: RedemptionSchema,
    decisionLog: DecisionLogSchema,
    denials: DenialsSchema,
    context: ContextSchema,
    trustedProxies: Type.Integer({
      minimum: 0,
      maximum: 16,
      default: 0,
      description:
        "Number of proxies in front of the enforcer that append to x-forwarded-for; without their entries the source is unknown, as it is of every TCP connection then. 0: the peer is the client.",
    }),
    development: DevelopmentSchema,
    traces: Type.Optional(TracesSchema),
    noticeMs: Type.Integer({
      minimum: 0,
      maximum: 60_000,
      default: 2_000,
      description:
        "After SIGTERM: how long calls are still taken while grpc.health reports NOT_SERVING, so that enforcers go elsewhere meanwhile. At least interval plus timeout of their health checks; 0 if there are none.",
    }),
    drainMs: Type.Integer({
      minimum: 0,
      maximum: 60_000,
      default: 5_000,
      description: "After noticeMs: how long calls in progress may take before they are cut.",
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
    rules: [
      ...unsafeTogether,
      ({ policy }) => environmentFaults(policy.environment, process.env, ownVariables(DecisionConfigSchema, PREFIX)),
    ],
  });
}

/** What policies see of the environment of this process. */
export function policyEnvironment({ policy }: DecisionConfig): ReadonlyMap<string, string> {
  return chosenEnvironment(policy.environment, process.env);
}

const isCompat = ({ policy }: Pick<DecisionConfig, "policy">) => policy.compat.path !== undefined;

/** A compatibility policy knows no approvals, so that what grants need is not used. */
const approvalRules: readonly Rule<DecisionConfig>[] = [
  ...redemptionRules.map(
    (rule): Rule<DecisionConfig> =>
      ({ redemption }) =>
        rule(redemption),
  ),
  ({ state }) => stateFaults(state),
];

/** Of one process; of several, each of which has its own: `workerFaults`. */
function portFaults({ workers, listen, ops, api }: DecisionConfig): readonly ConfigFault[] {
  if (workers > 1) return [];
  const ofApi = api === undefined ? [] : [{ key: "api.httpPort", host: api.host, port: api.httpPort }];
  const grpc = api?.grpcPort === undefined ? [] : [{ key: "api.grpcPort", host: api.host, port: api.grpcPort }];
  return samePortFaults([{ ...listen, key: "listen.port" }, { ...ops, key: "ops.port" }, ...ofApi, ...grpc]);
}

export const unsafeTogether: readonly Rule<DecisionConfig>[] = [
  ...identityRules,
  ...listenRules.map(
    (rule): Rule<DecisionConfig> =>
      ({ listen }) =>
        rule(listen),
  ),
  workerFaults,
  streamFaults,
  ({ bundle }) => bundleFaults(bundle, "bundle"),
  (config) => shadowFaults(config.bundle, "bundle", isCompat(config)),
  ({ policy }) => compatFaults(policy.compat, "policy.compat"),
  ({ policy, listen }) => networkFaults(policy.network, listen.deadlineMs, "policy.network"),
  ({ context }) => contextFaults(context, "context"),
  (config) => {
    const { development, listen, ops, api } = config;
    const isOnlyHere = [listen, ops, ...(api === undefined ? [] : [api])].every(({ host }) => isLoopback(host));
    return developmentFaults(development, { isLoopback: isOnlyHere }, "development");
  },
  apiFaults,
  ({ denials: { requestUrl } }) => {
    const problem = requestUrl === undefined ? undefined : shownAddressProblem(requestUrl);
    return problem === undefined ? [] : [unsafe("denials.requestUrl", problem)];
  },
  portFaults,
  ...approvalRules.map(
    (rule): Rule<DecisionConfig> =>
      (config) =>
        isCompat(config) ? [] : rule(config),
  ),
];
