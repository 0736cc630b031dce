/** The topics of the services on a test broker, set up as the operator's command would, and what stands in them. */
import { topicSpecs } from "../../../core/messages/topic-setup.ts";
import { createLog } from "../../../platform/log/log.ts";
import { createKafkaStream } from "../../../platform/stream/kafka.ts";
import type { KafkaSettings } from "../../../platform/stream/kafka-settings.ts";
import { createTopics } from "../../../platform/stream/kafka-topics.ts";
import type { EventStream, StreamRecord } from "../../../platform/stream/port.ts";
import { readToEnd } from "../../../platform/stream/read-to-end.ts";

const log = createLog({ name: "harness", level: "silent" });

/** More than one where that is a choice, so that nothing rests on an order that Kafka does not give. */
export const PARTITIONS = 3;

/** A soak leaves some ten thousand records, and whoever reads them may have the machine with others. */
const READ_MS = 60_000;

export async function createSystemTopics(kafka: KafkaSettings): Promise<void> {
  await createTopics({ log }, kafka, topicSpecs({ partitions: PARTITIONS, replicas: 1 }));
}

export function openKafkaStream(kafka: KafkaSettings): EventStream {
  return createKafkaStream({ log, onFatal: () => {} }, { connection: kafka });
}

/** Everything that stands in a topic now, in order per partition. */
export async function recordsOf(kafka: KafkaSettings, topic: string): Promise<readonly StreamRecord[]> {
  await using stream = openKafkaStream(kafka);
  return await recordsIn(stream, topic); // NB: before the stream is closed
}

/** The same of any stream, which has to be read by nobody else. */
export async function recordsIn(
  stream: Pick<EventStream, "subscribe" | "position" | "endOffsets">,
  topic: string,
): Promise<readonly StreamRecord[]> {
  const ends = await stream.endOffsets(topic, { deadlineMs: READ_MS });
  const found: StreamRecord[] = [];
  stream.subscribe({
    topic,
    from: async (_partition, { earliest }) => earliest,
    async handle({ partition, records }) {
      found.push(...records.filter(({ offset }) => offset < (ends.get(partition) ?? 0n)));
      return "continue";
    },
  });
  await readToEnd(stream, topic, ends, AbortSignal.timeout(READ_MS));
  return found;
}
