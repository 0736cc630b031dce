/** Topics on a real broker: judged by what a specification says, created only where missing. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createLog } from "../../../platform/log/log.ts";
import { createTopics, verifyTopics } from "../../../platform/stream/kafka-topics.ts";
import { hasKafka, startKafka, type TestKafka } from "../../harness/kafka.ts";

const log = createLog({ name: "test", level: "silent" });
const found = await hasKafka();

let kafka: TestKafka;

(found ? describe : describe.skip)("topics on Kafka", () => {
  beforeAll(async () => {
    kafka = await startKafka();
  }, 180_000);
  afterAll(async () => {
    await kafka?.[Symbol.asyncDispose]();
  }, 60_000);

  test("verification names a missing topic, too few partitions and a wrong setting; creating makes only what is missing", async () => {
    const wrong = `t-${randomUUID()}`;
    await kafka.createTopic(wrong, { partitions: 2, config: { "cleanup.policy": "delete" } });
    const spec = (topic: string) => ({
      topic,
      partitions: 1,
      exactPartitions: true,
      replicationFactor: 1,
      config: { "cleanup.policy": "compact" },
    });
    const fresh = `t-${randomUUID()}`;
    const before = await verifyTopics({ log }, kafka.settings, [spec(wrong), spec(fresh)]);
    expect(before.map(({ topic, problem }) => [topic, problem.split(" ")[0]])).toEqual([
      [wrong, "has"],
      [wrong, "cleanup.policy"],
      [fresh, "does"],
    ]);
    expect(await createTopics({ log }, kafka.settings, [spec(wrong), spec(fresh)])).toEqual([fresh]);
    expect(await verifyTopics({ log }, kafka.settings, [spec(fresh)])).toEqual([]);
  }, 60_000);
});
