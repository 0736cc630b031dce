/** A topic that ends in an offset without a record, as a broker makes it for a transaction. */
import { randomUUID } from "node:crypto";
import kafkajs from "kafkajs";
import type { EventStream } from "../../../platform/stream/port.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";

/** Ends a topic with the commit of a transaction, which takes an offset and is no record. Before it stands a tombstone of key `k`. */
export async function endInCommitMarker(stream: EventStream, brokers: readonly string[], topic: string): Promise<void> {
  const end = async () => (await stream.endOffsets(topic, { deadlineMs: 10_000 })).get(0) ?? 0n;
  const before = await end();
  const client = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING });
  const producer = client.producer({ transactionalId: randomUUID(), maxInFlightRequests: 1, idempotent: true });
  await producer.connect();
  const transaction = await producer.transaction();
  await transaction.send({ topic, messages: [{ key: "k", value: null }] });
  await transaction.commit();
  await producer.disconnect();
  await waitUntil("the commit marker", 60_000, async () => (await end()) === before + 2n);
}
