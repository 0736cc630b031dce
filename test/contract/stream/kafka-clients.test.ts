/**
 * The two Kafka adapters beside each other, printed as a table: what they cost, and what they make of acknowledgements that are cut and of a
 * compacted topic that ends in an offset without a record. docs/adr/0007-kafka-clients.md has such a table; of the numbers only the behaviour is
 * demanded here, and what each makes of a batch that arrives damaged.
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createLog } from "../../../platform/log/log.ts";
import { createKafkaStream } from "../../../platform/stream/kafka.ts";
import type { KafkaConfig } from "../../../platform/stream/kafka-config.ts";
import { createPlatformaticStream } from "../../../platform/stream/platformatic.ts";
import { compareStreams } from "../../bench/compare-streams.ts";
import { say } from "../../fault/say.ts";
import { hasKafka, startKafka, type TestKafka } from "../../harness/kafka.ts";
import { startTcpProxy, type TcpProxy } from "../../harness/tcp-proxy.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { endInCommitMarker } from "./commit-marker.ts";
import { publishSurely, readAll, record, valuesOf } from "./stream-fixture.ts";

type Client = NonNullable<KafkaConfig["client"]>;

const CLIENTS = new Map([
  ["kafkajs", { client: "kafkajs" satisfies Client, create: createKafkaStream }],
  ["@platformatic/kafka", { client: "platformatic" satisfies Client, create: createPlatformaticStream }],
] as const);
const PUBLISHED = 40;
const deps = { log: createLog({ name: "test", level: "silent" }), onFatal: () => {} };

((await hasKafka()) ? describe : describe.skip)("the two Kafka clients", () => {
  let kafka: TestKafka;
  let proxy: TcpProxy;
  beforeAll(async () => {
    proxy = await startTcpProxy();
    kafka = await startKafka({ proxyPort: proxy.port });
    proxy.target = kafka.proxyTarget;
  }, 120_000);
  afterAll(async () => {
    await proxy?.[Symbol.asyncDispose]();
    await kafka?.[Symbol.asyncDispose]();
  }, 60_000);

  test("one table compares them; neither loses a record whose acknowledgement was cut, nor waits at an empty tail", async () => {
    const brokers = [...kafka.brokers];
    const configs = [...CLIENTS].map(
      ([name, { client }]) => [name, { kafka: { brokers, tls: false, client } }] as const,
    );
    const lines = [...(await compareStreams(new Map(configs), 1))];
    const row = (label: string, cells: readonly (string | number)[]) =>
      lines.push(`| ${label} | ${cells.join(" | ")} |`);

    const cut = [];
    for (const { create } of CLIENTS.values()) cut.push(await publishWithCuts(create));
    row(
      "acknowledgements cut",
      cut.map((one) => one.cut),
    );
    row(
      "publishes repeated",
      cut.map((one) => one.repeated),
    );
    row(
      "records lost",
      cut.map((one) => one.lost),
    );
    row(
      "records doubled",
      cut.map((one) => one.doubled),
    );
    const tails = [];
    for (const { create } of CLIENTS.values()) tails.push(await readToEmptyTail(create));
    row(
      "to the end of a compacted topic with an empty tail (ms)",
      tails.map(({ ms }) => ms),
    );
    for (const line of lines) say(line);

    for (const one of cut) {
      expect(one.cut).toBeGreaterThan(0);
      expect(one.lost).toBe(0);
      expect(one.isInOrder).toBe(true);
    }
    for (const { isAtEnd } of tails) expect(isAtEnd).toBe(true);
  }, 180_000);

  test.each([...CLIENTS])(
    "of a batch in which one bit changed on the way, the adapter on %s hands out nothing, and goes on when it comes whole",
    async (_name, { create }) => {
      const { during, after, damaged } = await readThroughDamage(create);
      expect(damaged).toBeGreaterThanOrEqual(3); // it asks again, and is not worn down
      expect(during).toEqual([]);
      expect(after).toEqual(["pays 100"]);
    },
    90_000,
  );

  /** Reads one record whose last byte is changed in the answer to a fetch: what is handed out while it is, and once it is not any more. */
  async function readThroughDamage(create: typeof createKafkaStream) {
    const topic = await newTopic({});
    await using writer = create(deps, { connection: kafka.settings, reassignMs: 100 });
    await publishSurely(writer, [record(topic, "k", "pays 100")]);
    const before = proxy.faults.damaged;
    const damaged = () => proxy.faults.damaged - before;
    proxy.damage("pays 100");
    await using reader = create(deps, { connection: kafka.proxied, reassignMs: 100 });
    const seen: (string | undefined)[] = [];
    reader.subscribe({
      topic,
      from: async (_partition, { earliest }) => earliest,
      async handle({ records }) {
        seen.push(...valuesOf(records));
        return "continue";
      },
    });
    try {
      await waitUntil("a damaged record, or a third try", 60_000, () => seen.length > 0 || damaged() >= 3);
    } finally {
      proxy.damage(undefined);
    }
    const during = [...seen];
    await waitUntil("the record", 60_000, () => seen.length > 0);
    return { during, after: seen, damaged: damaged() };
  }

  async function publishWithCuts(create: typeof createKafkaStream) {
    const topic = await newTopic({});
    await using stream = create(deps, { connection: kafka.proxied, reassignMs: 100 });
    const before = proxy.faults.cut;
    let repeated = 0;
    for (let n = 0; n < PUBLISHED; n += 1) {
      if (n % 8 === 3) proxy.cutProduceAnswers(2);
      repeated += (await publishSurely(stream, [record(topic, "k", String(n))])) - 1;
    }
    await using reader = create(deps, { connection: kafka.settings, reassignMs: 100 });
    const values = valuesOf(await readAll(reader, topic)).map(Number);
    const first = [...new Set(values)];
    return {
      cut: proxy.faults.cut - before,
      repeated,
      lost: PUBLISHED - first.length,
      doubled: values.length - first.length,
      isInOrder: first.every((value, index) => index === 0 || value > (first[index - 1] ?? 0)),
    };
  }

  async function readToEmptyTail(create: typeof createKafkaStream) {
    const topic = await newTopic({ "cleanup.policy": "compact" });
    await using writer = create(deps, { connection: kafka.settings, reassignMs: 100 });
    await publishSurely(writer, [record(topic, "k", "v")]);
    await endInCommitMarker(writer, kafka.brokers, topic);
    await using reader = create(deps, { connection: kafka.settings, reassignMs: 100 });
    const ends = await reader.endOffsets(topic, { deadlineMs: 10_000 });
    const begun = performance.now();
    await readAll(reader, topic);
    const ms = Math.round(performance.now() - begun);
    return { ms, isAtEnd: reader.position(topic).get(0) === ends.get(0) };
  }

  async function newTopic(config: Record<string, string>): Promise<string> {
    const topic = `t-${randomUUID()}`;
    await kafka.createTopic(topic, { config });
    return topic;
  }
});
