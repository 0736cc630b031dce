/**
 * One connection of our own to a Kafka cluster for reading: metadata, offsets and fetches of one partition at a time. It uses kafkajs's
 * protocol and authentication but not its consumer, for four reasons:
 *
 * - offsets are ours, so a consumer group decides nothing; without one there are no joins, rebalances, session timeouts, group ACLs and
 *   none of the stalls and skips that come with them (kafkajs #28, #1046, #659, #1431, #1539), and a partition is taken or let go at once;
 * - its consumer never passes a batch whose records were compacted away (kafka-fetch.ts);
 * - it answers only with whole batches, so a slow handler would delay the other partitions;
 * - a fault ends with a new connection, never with a repaired one.
 */
import Cluster from "kafkajs/src/cluster/index.js";
import loggers from "kafkajs/src/loggers/index.js";
import createFetchRequest from "kafkajs/src/protocol/requests/fetch/v11/request.js";
import type { Log } from "../log/log.ts";
import type { StreamConnection } from "./connection.ts";
import { decodeFetched, type Fetched } from "./kafka-fetch.ts";
import { clientConfig, type KafkaSettings } from "./kafka-settings.ts";
import { createSockets } from "./kafka-sockets.ts";
import { stopIdleTimer } from "./kafkajs-idle-timer.ts";

/** No consumer of ours writes transactions; read committed would wait for those of others. */
const READ_UNCOMMITTED = 0;
const NOT_A_REPLICA = -1;
const EARLIEST = "-2";
const LATEST = "-1";
/** A batch may be larger; it then comes alone. Several records of 64 KiB fit. */
const MAX_FETCH_BYTES = 4 * 1024 * 1024;
/** Kafka's error code for an offset without a record, not yet or not any more. */
const OFFSET_OUT_OF_RANGE = 1;

export async function openKafkaConnection(
  { log }: { readonly log: Log },
  settings: KafkaSettings,
): Promise<StreamConnection> {
  stopIdleTimer();
  const sockets = createSockets();
  const { logCreator, logLevel, ...config } = clientConfig(settings, sockets.factory, log);
  const cluster = new Cluster({
    ...config,
    logger: loggers.createLogger({ level: logLevel, logCreator }),
    metadataMaxAge: 60_000,
    allowAutoTopicCreation: false,
    maxInFlightRequests: null,
    isolationLevel: READ_UNCOMMITTED,
  });
  try {
    await cluster.connect();
  } catch (error) {
    sockets.destroy(new Error("kafka connection was not made"));
    throw error;
  }

  async function leaderOf(topic: string, partition: number) {
    await cluster.addMultipleTargetTopics([topic]);
    const found = cluster.findTopicPartitionMetadata(topic).find(({ partitionId }) => partitionId === partition);
    if (found === undefined) throw new Error(`${topic} has no partition ${partition}`);
    return cluster.findBroker({ nodeId: found.leader });
  }

  async function offsetAt(topic: string, partition: number, timestamp: string): Promise<bigint> {
    const broker = await leaderOf(topic, partition);
    const { responses } = await broker.listOffsets({
      replicaId: NOT_A_REPLICA,
      isolationLevel: READ_UNCOMMITTED,
      topics: [{ topic, partitions: [{ partition, timestamp }] }],
    });
    const answer = responses[0]?.partitions[0];
    if (answer === undefined || answer.errorCode !== 0) {
      throw new Error(`${topic}/${partition}: offsets not available (error ${answer?.errorCode})`);
    }
    return BigInt(answer.offset);
  }

  return {
    async partitions(topic) {
      await cluster.addMultipleTargetTopics([topic]);
      const found = cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId);
      if (found.length === 0) throw new Error(`topic ${topic} does not exist`);
      return found.toSorted((a, b) => a - b);
    },
    async range(topic, partition) {
      return { earliest: await offsetAt(topic, partition, EARLIEST), end: await offsetAt(topic, partition, LATEST) };
    },
    async fetch(topic, partition, offset, maxWaitMs) {
      const { connectionPool } = await leaderOf(topic, partition);
      const { errorCode, records, nextOffset } = await connectionPool.send<Fetched>({
        request: createFetchRequest({
          replicaId: NOT_A_REPLICA,
          maxWaitTime: maxWaitMs,
          minBytes: 1,
          maxBytes: MAX_FETCH_BYTES,
          isolationLevel: READ_UNCOMMITTED,
          topics: [{ topic, partitions: [{ partition, fetchOffset: offset.toString(), maxBytes: MAX_FETCH_BYTES }] }],
        }),
        response: { decode: (payload) => decodeFetched(payload, offset), parse: async (fetched) => fetched },
      });
      if (errorCode === OFFSET_OUT_OF_RANGE) return { kind: "out_of_range" };
      if (errorCode !== 0) throw new Error(`fetch failed with kafka error ${errorCode}`);
      return { kind: "fetched", records, nextOffset };
    },
    destroy: sockets.destroy,
  };
}
