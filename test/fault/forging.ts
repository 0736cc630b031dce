/** What a forger needs of a running set: to write to any topic, to see what comes of it, and to make Kafka forget what stood before. */
import kafkajs from "kafkajs";
import { stopIdleTimer } from "../../platform/stream/kafkajs-idle-timer.ts";
import type { KafkaSettings } from "../../platform/stream/kafka-settings.ts";
import type { EventStream, OutgoingRecord } from "../../platform/stream/port.ts";

export interface Forger extends AsyncDisposable {
  /** Resolves when the stream has it. */
  write(...records: readonly OutgoingRecord[]): Promise<void>;
}

/** By a stream of its own, which it closes. */
export function createForger(stream: EventStream): Forger {
  return {
    async write(...records) {
      const outcome = await stream.publish(records, { deadlineMs: 20_000 });
      if (outcome.kind !== "acked") throw new Error("not written", { cause: outcome.cause });
    },
    [Symbol.asyncDispose]: () => stream.close(),
  };
}

const EAGER = new Map([
  ["segment.ms", "50"],
  ["min.cleanable.dirty.ratio", "0.01"],
  ["max.compaction.lag.ms", "100"],
]);

/** Records below these offsets are gone, by partition. */
export function forgetRecords(kafka: KafkaSettings, topic: string, below: ReadonlyMap<number, string>): Promise<void> {
  const partitions = [...below].map(([partition, offset]) => ({ partition, offset }));
  return withAdmin(kafka, async (admin) => {
    await admin.fetchTopicOffsets(topic); // deleteTopicRecords of kafkajs 2.2.4 knows only topics that something else has asked about
    await admin.deleteTopicRecords({ topic, partitions });
  });
}

async function withAdmin<T>(kafka: KafkaSettings, work: (admin: kafkajs.Admin) => Promise<T>): Promise<T> {
  stopIdleTimer();
  const client = new kafkajs.Kafka({ brokers: [...kafka.brokers], logLevel: kafkajs.logLevel.NOTHING });
  const admin = client.admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Has a topic compacted at once (or as `soon` says) while `work` runs, and as it was configured afterwards. */
export async function whileCompacting<T>(
  kafka: KafkaSettings,
  topic: string,
  work: () => Promise<T>,
  soon: ReadonlyMap<string, string> = EAGER,
): Promise<T> {
  const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic };
  const alter = (admin: kafkajs.Admin, entries: ReadonlyMap<string, string>) =>
    admin.alterConfigs({
      validateOnly: false,
      resources: [{ ...resource, configEntries: [...entries].map(([name, value]) => ({ name, value })) }],
    });
  // A connection for each end: the broker closes one that is idle for as long as the work may take.
  const own = await withAdmin(kafka, async (admin) => {
    const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [resource] });
    // Altering replaces everything that was set, so that has to be said again.
    const set = new Map<string, string>();
    for (const { configName, configValue, isDefault } of resources[0]?.configEntries ?? [])
      if (!isDefault) set.set(configName, configValue);
    await alter(admin, new Map([...set, ...soon]));
    return set;
  });
  try {
    return await work();
  } finally {
    await withAdmin(kafka, (admin) => alter(admin, own));
  }
}
