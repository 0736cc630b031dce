/**
 * Configuration of the decision service: one schema of sections (config/, and those that core and platform bring), `COUNTERSIGN_`
 * variables, unsafe combinations refused. The only file of this service that reads the environment. Paths are relative to the working
 * directory; key files are PEM.
 */
import { type Static, Type } from "typebox";
import { ApiSchema, apiFaults } from "../../core/identity/api-config.ts";
import { BudgetSchema } from "../../core/policy/budget-config.ts";
import { bundleFaults, ShadowedBundleSchema, shadowFaults } from "../../core/policy/bundles/config.ts";
import { chosenEnvironment, CompatSchema, compatFaults, environmentFaults } from "../../core/policy/compat-config.ts";
import { ContextSchema, contextFaults } from "../../core/policy/context-config.ts";
import { DevelopmentSchema, developmentFaults } from "../../core/policy/explain/development-config.ts";
import { configFromCommandLine, type Started } from "../../platform/config/command-line.ts";
import type { ConfigFault } from "../../platform/config/load.ts";
import { KafkaSchema } from "../../platform/stream/kafka-config.ts";
import { streamFaults } from "../../platform/stream/open-stream.ts";
import { PostgresStreamSchema } from "../../platform/stream/postgres-config.ts";
import { TracesSchema } from "../../platform/traces/config.ts";
import { workerFaults, workerKeys } from "../../platform/workers/config.ts";
import { closed, fault, isLoopback, Text } from "./config/fields.ts";
import { IdentitySchema, identityFaults } from "./config/identity.ts";
import { ListenSchema, listenFaults, OpsSchema } from "./config/listen.ts";
import { DecisionLogSchema, DenialsSchema } from "./config/records.ts";
import { RedemptionSchema, redemptionFaults } from "./config/redemption.ts";
import { StateSchema, stateFaults } from "./config/state.ts";

export const PREFIX = "COUNTERSIGN_";

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
    listen: ListenSchema,
    api: Type.Optional(ApiSchema),
    ops: OpsSchema,
    bundle: ShadowedBundleSchema,
    policy: Type.Object({ compat: CompatSchema, budget: BudgetSchema }, closed),
    identity: IdentitySchema,
    signing: Type.Object(
      {
        kid: Text("Key id of this process; the approval service knows its public key."),
        keyPath: Text("Ed25519, PKCS#8."),
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
    check: (config) => [
      ...unsafeTogether(config),
      ...environmentFaults(config.policy.compat, process.env, { prefix: PREFIX, section: "policy.compat" }),
    ],
  });
}

/** What a compatibility policy sees of the environment of this process. */
export function policyEnvironment({ policy }: DecisionConfig): ReadonlyMap<string, string> {
  return chosenEnvironment(policy.compat, process.env);
}

export function unsafeTogether(config: DecisionConfig): readonly ConfigFault[] {
  const { listen, api, ops, bundle, policy } = config;
  const isCompat = policy.compat.path !== undefined;
  const isOnlyHere = [listen, ops, ...(api === undefined ? [] : [api])].every(({ host }) => isLoopback(host));
  const faults: ConfigFault[] = [
    ...identityFaults(config.identity, listen),
    ...listenFaults(listen),
    ...workerFaults(config),
    ...streamFaults(config),
    ...bundleFaults(bundle, "bundle"),
    ...shadowFaults(bundle, "bundle"),
    ...compatFaults(policy.compat, "policy.compat"),
    ...contextFaults(config.context, "context"),
    ...developmentFaults(config.development, { isLoopback: isOnlyHere, isCompat }, "development"),
    ...apiFaults(config, isLoopback),
  ];
  if (isCompat && bundle.shadow !== undefined) {
    const problem = "compares policies of our own kind, and policy.compat.path is set; remove one of them";
    faults.push(fault("bundle.shadow", problem));
  }
  // A compatibility policy knows no approvals, so that none of this is used.
  if (!isCompat) faults.push(...redemptionFaults(config.redemption), ...stateFaults(config.state));
  return faults;
}
