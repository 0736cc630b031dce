/**
 * What the table of topics means for brokers: what the operator's command creates and verifies, and which rights each service needs. Services
 * verify less at start (required-topics.ts): replicas and retention are the deployment's choice.
 */
import type { TopicSpec } from "../../platform/stream/topic-spec.ts";
import { AS_WRITTEN } from "./required-topics.ts";
import { MIN_INSYNC_REPLICAS, type Topic, TOPICS, type TopicReader } from "./topics.ts";

/** A tombstone stays at least so long, so that a reader who began before it was written does not miss it. */
const TOMBSTONE_MS = 24 * 3_600_000;

export type TopicSizes = {
  /** Where the number is a choice. Choose once: with another number later, the order within a key is lost. */
  readonly partitions: number;
  readonly replicas: number;
};

/** Retention may be longer, replication stricter and compaction sooner than this. */
export function topicSpecs(sizes: TopicSizes): readonly TopicSpec[] {
  return Object.values(TOPICS).map((topic) => topicSpec(topic, sizes));
}

function topicSpec({ name, partitions, cleanup, retentionMs, segmentMs }: Topic, sizes: TopicSizes): TopicSpec {
  return {
    topic: name,
    partitions: partitions ?? sizes.partitions,
    exactPartitions: partitions !== null,
    replicationFactor: sizes.replicas,
    config: {
      "cleanup.policy": cleanup,
      ...AS_WRITTEN,
      "min.insync.replicas": String(Math.min(MIN_INSYNC_REPLICAS, sizes.replicas)),
      ...(retentionMs === undefined ? {} : { "retention.ms": String(retentionMs) }),
      ...(segmentMs === undefined ? {} : { "segment.ms": String(segmentMs) }),
      ...(cleanup === "compact" ? { "delete.retention.ms": String(TOMBSTONE_MS) } : {}),
    },
    mayBe: {
      "min.insync.replicas": "larger",
      "retention.ms": "larger",
      "segment.ms": "smaller",
      "delete.retention.ms": "larger",
    },
  };
}

/** Kafka's names of rights on a topic. Write and Read imply Describe; services need DescribeConfigs to verify. */
type TopicRight = "Write" | "Read" | "DescribeConfigs";

type TopicAccess = { readonly who: TopicReader; readonly rights: readonly TopicRight[] };

/** All that anybody needs: no right on the cluster, none on a consumer group, since none is used. */
export function accessTo({ writer, readers }: Topic): readonly TopicAccess[] {
  const everybody = [...new Set<TopicReader>([writer, ...readers])];
  return everybody.map((who) => ({
    who,
    rights: [
      ...(who === writer ? (["Write"] as const) : []),
      ...(readers.includes(who) ? (["Read"] as const) : []),
      ...(who === "auditor" ? [] : (["DescribeConfigs"] as const)),
    ],
  }));
}
