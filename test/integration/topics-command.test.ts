/**
 * `npm run topics` as its user runs it, against a real broker: what it prints, what it creates, what it finds different, and
 * that the rights in its table are enough for each part and no more than it needs.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import kafkajs from "kafkajs";
import { accessTo, topicSpecs } from "../../core/messages/topic-setup.ts";
import { type TopicReader, TOPICS } from "../../core/messages/topics.ts";
import { createLog } from "../../platform/log/log.ts";
import { createKafkaStream } from "../../platform/stream/kafka.ts";
import type { KafkaSettings } from "../../platform/stream/kafka-settings.ts";
import { verifyTopics } from "../../platform/stream/kafka-topics.ts";
import { readToEnd } from "../../platform/stream/read-to-end.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { hasKafka, startKafka, type TestKafka } from "../harness/kafka.ts";
import { runService } from "../harness/run-service.ts";

const ONE_BROKER = ["--replicas", "1"];
const NAMES = Object.values(TOPICS).map(({ name }) => name);
const log = createLog({ name: "test", level: "silent" });

const topics = (args: readonly string[], env?: Readonly<Record<string, string>>) =>
  runService("scripts/topics.ts", args, env);

describe("npm run topics, without a broker", () => {
  test.each<[string, readonly string[], string]>([
    ["no brokers", ["--verify"], "KAFKA_BROKERS"],
    ["a broker without a port", ["--verify", "--brokers", "kafka-1,kafka-2:9092"], "kafka.brokers.0"],
    ["brokers that do not answer", ["--verify", "--brokers", "127.0.0.1:1"], "ECONNREFUSED"],
    ["no number", ["--replicas", "none"], "1 to 1000"],
    ["an unknown option", ["--delete"], "--delete"],
    ["a file that is not there", ["--verify", "--config", "no-such-file.yaml"], "ENOENT"],
  ])("exits with 2 given %s, and says so", async (_what, args, said) => {
    const { code, err } = await topics(args);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(said) });
  });

  test("takes no password from a file with the rest", async () => {
    const folder = await mkdtemp(join(tmpdir(), "topics-"));
    const config = join(folder, "kafka.yaml");
    await writeFile(config, "kafka: { brokers: [b:1], saslMechanism: plain, saslUsername: u, saslPassword: hush }\n");
    const { code, err } = await topics(["--verify", "--config", config]);
    await rm(folder, { recursive: true });
    expect(code).toBe(2);
    expect(err).toContain("COUNTERSIGN_KAFKA_SASL_PASSWORD_FILE");
    expect(err).not.toContain("hush");
  });

  test("prints one line for each topic and asks nobody", async () => {
    const { code, out } = await topics([]);
    expect(code).toBe(0);
    expect(
      out
        .trim()
        .split("\n")
        .map((line) => line.split(" ")[0]),
    ).toEqual(["topic", ...NAMES]);
  });
});

const PARTS: readonly TopicReader[] = ["decision", "approval", "auditor"];
const PASSWORD = "a password of this test";

((await hasKafka()) ? describe : describe.skip)("npm run topics, on a real broker", () => {
  let kafka: TestKafka;
  let admin: ReturnType<kafkajs.Kafka["admin"]>;
  let folder: string;

  beforeAll(async () => {
    const users = [...PARTS, "operator", "stranger"].map((name) => `user_${name}="${PASSWORD}"`).join(" ");
    const module = "org.apache.kafka.common.security.plain.PlainLoginModule required";
    kafka = await startKafka({
      secure: true,
      properties: {
        "listener.name.sasl.plain.sasl.jaas.config": `${module} ${users};`,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        // Who comes without a password: the broker itself and this test.
        "super.users": "User:ANONYMOUS;User:operator",
      },
    });
    admin = new kafkajs.Kafka({ brokers: [...kafka.brokers], logLevel: kafkajs.logLevel.NOTHING }).admin();
    await admin.connect();
    folder = await mkdtemp(join(tmpdir(), "topics-"));
  }, 180_000);
  afterAll(async () => {
    await admin?.disconnect();
    await kafka?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const brokers = () => ["--brokers", kafka.brokers.join(",")];
  const alter = (topic: string, name: string, value: string) =>
    admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configEntries: [{ name, value }] }],
    });

  test("--verify names every topic that is missing and exits with 1", async () => {
    const { code, out } = await topics(["--verify", ...ONE_BROKER, ...brokers()]);
    expect(code).toBe(1);
    for (const name of NAMES) expect(out).toContain(`${name} does not exist`);
  });

  test("--create with more replicas than brokers creates nothing and says why", async () => {
    const { code, err } = await topics(["--create", ...brokers()]);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(/state\.v1: .*replication.factor/i) });
    expect(await admin.listTopics()).toEqual([]);
  });

  test("--create makes them once, as they have to be", async () => {
    const first = await topics(["--create", ...ONE_BROKER, "--partitions", "3", ...brokers()]);
    expect(first).toMatchObject({ code: 0, out: expect.stringContaining("created countersign.state.v1") });
    expect(await topics(["--create", ...ONE_BROKER, ...brokers()])).toMatchObject({
      code: 0,
      out: "4 topics are as they have to be\n",
    });
    const { topics: found } = await admin.fetchTopicMetadata({ topics: NAMES });
    expect(new Map(found.map(({ name, partitions }) => [name, partitions.length]))).toEqual(
      new Map(Object.values(TOPICS).map(({ name, partitions }) => [name, partitions ?? 3])),
    );
  });

  test("--verify accepts longer retention and finds everything else", async () => {
    const verify = () => topics(["--verify", ...ONE_BROKER, ...brokers()]);
    await alter(TOPICS.audit.name, "retention.ms", "-1");
    expect((await verify()).code).toBe(0);
    await alter(TOPICS.audit.name, "retention.ms", "1000");
    await admin.createPartitions({ topicPartitions: [{ topic: TOPICS.state.name, count: 2 }] });
    await alter(TOPICS.decisions.name, "cleanup.policy", "compact");
    const { code, out } = await verify();
    expect(code).toBe(1);
    expect(out).toContain(`${TOPICS.audit.name} retention.ms is 1000 and has to be at least 2592000000`);
    expect(out).toContain(`${TOPICS.decisions.name} cleanup.policy is compact and has to be delete`);
    expect(out).toContain(`${TOPICS.state.name} has 2 partitions and needs exactly 1`);
    expect(out).not.toContain(TOPICS.denials.name);
  });

  test("reaches brokers by SASL and TLS with the words of the services", async () => {
    const password = join(folder, "password");
    await writeFile(password, `${PASSWORD}\n`);
    const sasl = join(folder, "sasl.yaml");
    await writeFile(sasl, "kafka:\n  saslMechanism: plain\n  saslUsername: operator\n");
    const args = ["--verify", ...ONE_BROKER, "--config", sasl, "--brokers", kafka.sasl.brokers.join(",")];
    const env = { COUNTERSIGN_KAFKA_SASL_PASSWORD_FILE: password, COUNTERSIGN_INSTANCE: "of a service beside it" };
    expect(await topics(args, env)).toMatchObject({ code: 1, err: "" });
    expect(await topics(args, { COUNTERSIGN_KAFKA_SASL_PASSWORD: "wrong" })).toMatchObject({ code: 2 });

    const ca = join(folder, "ca.pem");
    await writeFile(ca, kafka.tls.ca);
    const tls = { KAFKA_BROKERS: kafka.tls.brokers.join(","), COUNTERSIGN_KAFKA_TLS: "true" };
    const trusted = await topics(["--verify"], { ...tls, COUNTERSIGN_KAFKA_CA_PATH: ca });
    expect(trusted).toMatchObject({ code: 1, err: "" });
    expect(await topics(["--verify"], tls)).toMatchObject({ code: 2, err: expect.stringContaining("certificate") });
  });

  describe("the rights of its table", () => {
    const { ALLOW } = kafkajs.AclPermissionTypes;
    const { WRITE, READ, DESCRIBE_CONFIGS } = kafkajs.AclOperationTypes;
    const OPERATIONS = { Write: WRITE, Read: READ, DescribeConfigs: DESCRIBE_CONFIGS };
    const ANY_ACL = {
      resourceType: kafkajs.AclResourceTypes.TOPIC,
      resourcePatternType: kafkajs.ResourcePatternTypes.ANY,
      operation: kafkajs.AclOperationTypes.ANY,
      permissionType: kafkajs.AclPermissionTypes.ANY,
    };
    const aclsOf = (topic: string, { who, rights }: ReturnType<typeof accessTo>[number]) =>
      rights.map((right) => ({
        resourceType: kafkajs.AclResourceTypes.TOPIC,
        resourceName: topic,
        resourcePatternType: kafkajs.ResourcePatternTypes.LITERAL,
        principal: `User:${who}`,
        host: "*",
        operation: OPERATIONS[right],
        permissionType: ALLOW,
      }));

    beforeAll(async () => {
      await admin.deleteTopics({ topics: NAMES });
      expect((await topics(["--create", ...ONE_BROKER, ...brokers()])).code).toBe(0);
      const acl = Object.values(TOPICS).flatMap((topic) => accessTo(topic).flatMap((of) => aclsOf(topic.name, of)));
      await admin.createAcls({ acl });
      // They are made at the controller; the broker, which is asked here, learns of them afterwards.
      await waitUntil("the broker to know the rights", 30_000, async () => {
        const { resources } = await admin.describeAcls(ANY_ACL);
        return resources.flatMap(({ acls }) => acls).length === acl.length;
      });
    });

    const settings = (username: string): KafkaSettings => ({
      brokers: kafka.sasl.brokers,
      clientId: username,
      sasl: { mechanism: "plain", username, password: PASSWORD },
    });

    /** How long each is waited for: whoever may, surely has by then; whoever may not, is told or not. */
    const patience = (isAllowed: boolean) => (isAllowed ? 60_000 : 5_000);

    async function mayWrite(who: string, topic: string, deadlineMs: number): Promise<boolean> {
      await using stream = createKafkaStream({ log, onFatal: () => {} }, { connection: settings(who) });
      const record = { topic, key: "k", value: Buffer.from("v"), headers: new Map() };
      return (await stream.publish([record], { deadlineMs })).kind === "acked";
    }

    async function mayRead(who: string, topic: string, deadlineMs: number): Promise<boolean> {
      await using stream = createKafkaStream({ log, onFatal: () => {} }, { connection: settings(who) });
      try {
        const ends = await stream.endOffsets(topic, { deadlineMs });
        let seen = 0;
        stream.subscribe({
          topic,
          from: async (_partition, { earliest }) => earliest,
          async handle({ records }) {
            seen += records.length;
            return "continue";
          },
        });
        await readToEnd(stream, topic, ends, AbortSignal.timeout(deadlineMs));
        return seen > 0;
      } catch {
        return false;
      }
    }

    test("let nobody write or read but whom they name, and those do", async () => {
      for (const topic of Object.values(TOPICS)) {
        const access = new Map(accessTo(topic).map(({ who, rights }) => [who, rights]));
        for (const [right, may] of [
          ["Write", mayWrite],
          ["Read", mayRead],
        ] as const) {
          const allowed = PARTS.map((who) => access.get(who)?.includes(right) ?? false);
          const found = await Promise.all(PARTS.map((who, at) => may(who, topic.name, patience(allowed[at] === true))));
          expect([topic.name, right, found]).toEqual([topic.name, right, allowed]);
        }
      }
    }, 400_000);

    test("let the services verify what they use, and a stranger see nothing", async () => {
      const specs = topicSpecs({ partitions: 1, replicas: 1 });
      expect(await verifyTopics({ log }, settings("approval"), specs)).toEqual([]);
      const used = specs.filter(({ topic }) => topic !== TOPICS.audit.name);
      expect(await verifyTopics({ log }, settings("decision"), used)).toEqual([]);
      const hidden = await verifyTopics({ log }, settings("stranger"), specs);
      expect(hidden.map(({ problem }) => problem)).toEqual(NAMES.map(() => expect.stringContaining("may not see it")));
    });
  });
});
