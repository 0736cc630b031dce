/** `verify --brokers` against a real Kafka: whole, then broken by one record that somebody else wrote. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { goldenRecords } from "../../core/messages/samples.ts";
import { createLog } from "../../platform/log/log.ts";
import { createKafkaStream } from "../../platform/stream/kafka.ts";
import { auditRecord } from "../../services/approval/publish/cloud-event.ts";
import { hasKafka, startKafka, type TestKafka } from "../harness/kafka.ts";
import { runService } from "../harness/run-service.ts";
import { publishSurely } from "../contract/stream/stream-fixture.ts";

const TOPIC = "countersign.audit.v1";
const found = await hasKafka();
const log = createLog({ name: "test", level: "silent" });
let kafka: TestKafka;
let folder: string;
let config: string;

const verify = (...args: string[]) => run("--brokers", kafka.brokers.join(","), ...args);

async function run(...args: string[]): Promise<{ code: unknown; text: string }> {
  const { code, out } = await runService("cli/verify.ts", args);
  return { code, text: out };
}

(found ? describe : describe.skip)("verify on the topic", () => {
  beforeAll(async () => {
    kafka = await startKafka();
    folder = await mkdtemp(join(tmpdir(), "verify-"));
    config = join(folder, "kafka.yaml");
    await writeFile(config, JSON.stringify({ kafka: { brokers: kafka.brokers } }));
    await kafka.createTopic(TOPIC, { partitions: 3 });
  });
  afterAll(async () => {
    await kafka?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  test("a topic that does not exist ends with 2, an empty one with 1, a whole log with 0, an edited record with 1 and its index", async () => {
    expect((await verify("--topic", "no-such-topic")).code).toBe(2);
    expect((await verify()).code).toBe(1);
    const event = JSON.stringify(goldenRecords().get("audit-event"));
    await using stream = createKafkaStream({ log, onFatal: () => {} }, { connection: kafka.settings });
    await publishSurely(stream, [auditRecord(TOPIC, event, "golden")]);
    expect(await verify()).toEqual({ code: 0, text: "approval: whole (1 event, 0..0)\n" });
    expect(await run("--config", config)).toEqual({ code: 0, text: "approval: whole (1 event, 0..0)\n" });
    await publishSurely(stream, [auditRecord(TOPIC, event.replace("no longer needed", "edited"), "forged")]);
    expect(await verify()).toEqual({
      code: 1,
      text: "approval: broken at index 0: the leaf hash does not follow from the content\n",
    });
  });
});
