/**
 * What a topic must be for a service to run on it: less than what the operator's command creates (replicas and retention are the deployment's
 * choice), but without exception: on a state topic of two partitions, heartbeats would say nothing.
 */
import type { TopicSpec } from "../../platform/stream/topic-spec.ts";
import { TOPICS, type TopicName } from "./topics.ts";

/** Kafka keeps batches as they were written. NB: it would pack them anew by a codec that not every reader has, and what cannot be unpacked is set aside. */
export const AS_WRITTEN = { "compression.type": "producer" } as const;

export function requiredTopics(names: readonly TopicName[]): readonly TopicSpec[] {
  return names.map((one) => {
    const { name, partitions, cleanup } = TOPICS[one];
    return {
      topic: name,
      partitions: 1,
      exactPartitions: partitions === 1,
      replicationFactor: 1,
      config: { "cleanup.policy": cleanup, ...AS_WRITTEN },
    };
  });
}
