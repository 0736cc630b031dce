/** What is kept for brokers of tests: nothing of jars that are no Kafka, and nothing is given to who measures. */
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "@jest/globals";
import { kafkaJava, keepKafkaClasses } from "./kafka-java.ts";

afterEach(() => {
  delete process.env["TEST_KAFKA_CLASSES"];
});

test("of jars that are no Kafka no file is made, none is left half, and what was kept of others stays", async () => {
  const folder = await mkdtemp(join(tmpdir(), "kafka-java-"));
  await writeFile(join(folder, "kafka-of-others.jsa"), "");
  expect(await keepKafkaClasses(folder, folder)).toBeUndefined();
  expect(await readdir(folder)).toEqual(["kafka-of-others.jsa"]);
  await rm(folder, { recursive: true });
});

test("a broker that is measured is compiled as it is for others, and takes no kept classes", () => {
  process.env["TEST_KAFKA_CLASSES"] = "/kept.jsa";
  const quick = /Tiered|SharedArchive|Serial/;
  expect(kafkaJava("/jars", { isMeasured: true }).filter((option) => quick.test(option))).toEqual([]);
  expect(kafkaJava("/jars").filter((option) => quick.test(option))).toHaveLength(3);
});
