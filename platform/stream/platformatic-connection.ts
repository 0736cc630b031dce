/**
 * One connection to a Kafka cluster for reading, by @platformatic/kafka and without its consumer group, for the reasons in kafka-connection.ts.
 * Fetch responses are read by the same decoder as there (kafka-fetch.ts), in the protocol version that it knows.
 */
import {
  Consumer,
  createAPI,
  FetchIsolationLevels,
  fetchV11,
  ListOffsetTimestamps,
  type Reader,
} from "@platformatic/kafka";
import type { StreamConnection } from "./connection.ts";
import { decodeFetched } from "./kafka-fetch.ts";
import type { KafkaSettings } from "./kafka-settings.ts";
import { baseOptions, breakConnections, reach } from "./platformatic-settings.ts";

/** A batch may be larger; it then comes alone. Several records of 64 KiB fit. */
const MAX_FETCH_BYTES = 4 * 1024 * 1024;
/** Kafka's error code for an offset without a record, not yet or not any more. */
const OFFSET_OUT_OF_RANGE = 1;
/** Each fetch names all that it wants. */
const NO_SESSION = 0;
const NO_SESSION_EPOCH = -1;

/** The answer as bytes, since the client's own reading of it unpacks without a limit and looks at no checksum. In this version headers have no tags. */
const fetchBytes = createAPI<Parameters<typeof fetchV11.createRequest>, Buffer>(
  fetchV11.api.key,
  fetchV11.api.version,
  fetchV11.createRequest,
  (_correlationId, _key, _version, { buffer, position }: Reader) => buffer.slice(position),
  false,
  false,
);

export async function openPlatformaticConnection(settings: KafkaSettings): Promise<StreamConnection> {
  const consumer = new Consumer({
    ...baseOptions(settings),
    groupId: settings.clientId, // has to be named; no group is ever joined
    isolationLevel: FetchIsolationLevels.READ_UNCOMMITTED,
  });
  try {
    await reach(consumer);
  } catch (error) {
    breakConnections(consumer);
    throw error;
  }

  async function describe(topic: string) {
    const found = (await consumer.metadata({ topics: [topic] })).topics.get(topic);
    if (found === undefined || found.partitionsCount === 0) throw new Error(`topic ${topic} does not exist`);
    return found;
  }

  async function offsetAt(topic: string, partition: number, timestamp: bigint): Promise<bigint> {
    const found = await consumer.listOffsets({ topics: [topic], partitions: { [topic]: [partition] }, timestamp });
    const offset = found.get(topic)?.[partition];
    if (offset === undefined) throw new Error(`${topic}/${partition}: offsets not available`);
    return offset;
  }

  return {
    async partitions(topic) {
      return (await describe(topic)).partitions.map((_, partition) => partition);
    },
    async range(topic, partition) {
      return {
        earliest: await offsetAt(topic, partition, ListOffsetTimestamps.EARLIEST),
        end: await offsetAt(topic, partition, ListOffsetTimestamps.LATEST),
      };
    },
    async fetch(topic, partition, offset, maxWaitMs) {
      const leader = (await describe(topic)).partitions[partition]?.leader;
      if (leader === undefined) throw new Error(`${topic} has no partition ${partition}`);
      const connection = (await consumer.connectToBrokers([leader])).get(leader);
      if (connection === undefined) throw new Error(`${topic}/${partition}: its leader ${leader} is not known`);
      const wanted = {
        partition,
        currentLeaderEpoch: -1,
        fetchOffset: offset,
        lastFetchedEpoch: -1,
        partitionMaxBytes: MAX_FETCH_BYTES,
      };
      const topics = [{ topicId: topic, partitions: [wanted] }]; // by its name, in this version
      const answer = await fetchBytes.async(
        connection,
        maxWaitMs,
        1,
        MAX_FETCH_BYTES,
        FetchIsolationLevels.READ_UNCOMMITTED,
        NO_SESSION,
        NO_SESSION_EPOCH,
        topics,
        [],
        "",
      );
      const { errorCode, records, nextOffset } = await decodeFetched(answer, offset);
      if (errorCode === OFFSET_OUT_OF_RANGE) return { kind: "out_of_range" };
      if (errorCode !== 0) throw new Error(`fetch failed with kafka error ${errorCode}`);
      return { kind: "fetched", records, nextOffset };
    },
    destroy: () => breakConnections(consumer),
  };
}
