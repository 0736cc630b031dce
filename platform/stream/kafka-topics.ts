/**
 * Verifies and creates topics: services verify at start and refuse to run on a topic that would lose or forget records; a command of the operator
 * creates them. Nothing is ever created by first use.
 */
import kafkajs from "kafkajs";
import type { Log } from "../log/log.ts";
import { clientConfig, type KafkaSettings } from "./kafka-settings.ts";
import { createSockets } from "./kafka-sockets.ts";
import { stopIdleTimer } from "./kafkajs-idle-timer.ts";
import { partitionFaults, settingFaults, type TopicFault, type TopicSpec } from "./topic-spec.ts";

type Admin = ReturnType<kafkajs.Kafka["admin"]>;

/** Compares what there is with what has to be. Empty when all is well. Rejects when the broker cannot be asked. */
export async function verifyTopics(
  deps: { readonly log: Log },
  settings: KafkaSettings,
  specs: readonly TopicSpec[],
): Promise<readonly TopicFault[]> {
  return withAdmin(deps, settings, async (admin) => {
    const existing = new Set(await admin.listTopics());
    const faults: TopicFault[] = [];
    for (const spec of specs) {
      const { topic } = spec;
      if (existing.has(topic)) faults.push(...(await compare(admin, spec)));
      else faults.push({ topic, problem: "does not exist, or this principal may not see it; create it" });
    }
    return faults;
  });
}

/**
 * Creates the topics that do not exist; returns their names. Existing ones are left as they are (`verifyTopics` judges them). Rejects when
 * one of them could not be created, with the reason of each; the others may be there.
 */
export async function createTopics(
  deps: { readonly log: Log },
  settings: KafkaSettings,
  specs: readonly TopicSpec[],
): Promise<readonly string[]> {
  return withAdmin(deps, settings, async (admin) => {
    const existing = new Set(await admin.listTopics());
    const missing = specs.filter(({ topic }) => !existing.has(topic));
    if (missing.length === 0) return [];
    await admin
      .createTopics({
        waitForLeaders: true,
        topics: missing.map(({ topic, partitions, replicationFactor, config }) => ({
          topic,
          numPartitions: partitions,
          replicationFactor,
          configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
        })),
      })
      .catch((error: unknown) => {
        throw explained(error);
      });
    return missing.map(({ topic }) => topic);
  });
}

/** kafkajs says only that there were errors, and keeps what they were to itself. */
function explained(error: unknown): unknown {
  if (!(error instanceof kafkajs.KafkaJSAggregateError)) return error;
  const reasons = error.errors.map((one) => {
    if (typeof one === "string") return one;
    return "topic" in one ? `${String(one.topic)}: ${one.message}` : one.message;
  });
  return new Error(`not created: ${reasons.join("; ")}`, { cause: error });
}

async function compare(admin: Admin, spec: TopicSpec): Promise<TopicFault[]> {
  const { topic } = spec;
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  const found = topics[0]?.partitions ?? [];
  const faults = [...partitionFaults(spec, found.length)];
  const replicas = Math.min(...found.map((partition) => partition.replicas.length));
  if (replicas < spec.replicationFactor) {
    faults.push({
      topic,
      problem: `has ${replicas} replicas and needs ${spec.replicationFactor}; reassign its partitions`,
    });
  }
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: Object.keys(spec.config) }],
  });
  const actual = new Map(
    (resources[0]?.configEntries ?? []).map(({ configName, configValue }) => [configName, configValue]),
  );
  faults.push(...settingFaults(spec, (name) => actual.get(name) ?? "unknown"));
  return faults;
}

async function withAdmin<T>(
  { log }: { readonly log: Log },
  settings: KafkaSettings,
  ask: (admin: Admin) => Promise<T>,
): Promise<T> {
  stopIdleTimer();
  const sockets = createSockets();
  const admin = new kafkajs.Kafka(clientConfig(settings, sockets.factory, log)).admin({ retry: { retries: 3 } });
  try {
    await admin.connect();
    return await ask(admin);
  } finally {
    sockets.destroy(new Error("done"));
  }
}
