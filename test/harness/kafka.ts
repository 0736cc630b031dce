/**
 * A real Apache Kafka broker for tests, in KRaft mode from its jars: started in a temporary folder, stopped, killed, frozen and restarted on
 * the same ports with the same log. One broker shows client faults and restarts, not the loss of a replica.
 *
 * Listeners: plain; one that is advertised at `proxyPort`, so that every connection passes a fault proxy; SASL (PLAIN and SCRAM) over plain
 * text; TLS.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import kafkajs from "kafkajs";
import { createLog } from "../../platform/log/log.ts";
import type { KafkaSettings } from "../../platform/stream/kafka-settings.ts";
import { createTopics } from "../../platform/stream/kafka-topics.ts";
import { kafkaJava } from "../../scripts/tools/kafka-java.ts";
import { resolveTool } from "../../scripts/tools/resolve-tool.ts";
import { stopIdleTimer } from "../../platform/stream/kafkajs-idle-timer.ts";
import { type Authority, createAuthority } from "./certificates.ts";
import { freezeProcess } from "./freeze-process.ts";
import { freePort } from "./free-port.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";

const run = promisify(execFile);
const log = createLog({ name: "harness", level: "silent" });

export interface TestKafka extends AsyncDisposable {
  readonly brokers: readonly string[];
  /** Settings of the plain listener. */
  readonly settings: KafkaSettings;
  /** By way of the proxy; only with `proxyPort`. */
  readonly proxied: KafkaSettings;
  /** The port behind the proxy. */
  readonly proxyTarget: number;
  /** User and password of both mechanisms. Only with `secure`. */
  readonly sasl: { readonly brokers: readonly string[]; readonly username: string; readonly password: string };
  /** Takes clients without a certificate; one that is shown has to be good, and by `clients`. Only with `secure`. */
  readonly tls: { readonly brokers: readonly string[]; readonly ca: string; readonly clients: Authority };
  createTopic(topic: string, options?: { partitions?: number; config?: Record<string, string> }): Promise<void>;
  start(): Promise<void>;
  /** Clean shutdown; answers when the process is gone. */
  stop(): Promise<void>;
  kill(): Promise<void>;
  /** SIGSTOP and SIGCONT: connections stay open and nothing answers. */
  freeze(): void;
  thaw(): void;
}

/** By which client a test's services speak to Kafka: `TEST_KAFKA_CLIENT=kafkajs` runs any of them on the other one. */
export function clientOfServices(): { readonly client?: string } {
  const client = process.env["TEST_KAFKA_CLIENT"];
  return client === undefined ? {} : { client };
}

/** Whether Kafka is there, for `describe.skip`. */
export async function hasKafka(): Promise<boolean> {
  return (await resolveTool("kafka")).kind === "found";
}

export async function startKafka(
  options: {
    readonly proxyPort?: number;
    readonly secure?: boolean;
    /** Of the plain listener, instead of any free one. */
    readonly port?: number;
    /** Further broker settings; one of the same name replaces what it would be. */
    readonly properties?: Readonly<Record<string, string | number>>;
    /** Its figures are of interest: it runs as it does for others. */
    readonly isMeasured?: boolean;
  } = {},
): Promise<TestKafka> {
  const tool = await resolveTool("kafka");
  if (tool.kind !== "found") throw new Error(`${tool.reason}; ${tool.help}`);
  const folder = await mkdtemp(join(tmpdir(), "kafka-"));
  const [plain, controller, behindProxy] = [options.port ?? (await freePort()), await freePort(), await freePort()];
  const [saslPort, tlsPort] = [await freePort(), await freePort()];
  const password = "CANARY0 of the brokers";
  const authority = await createAuthority("kafka");
  if (options.secure === true) await makeCertificate(folder, authority);

  const listeners = [`PLAIN://127.0.0.1:${plain}`, `CONTROLLER://127.0.0.1:${controller}`];
  const advertised = [`PLAIN://127.0.0.1:${plain}`];
  const protocols = ["PLAIN:PLAINTEXT", "CONTROLLER:PLAINTEXT", "PROXY:PLAINTEXT", "SASL:SASL_PLAINTEXT", "TLS:SSL"];
  if (options.proxyPort !== undefined) {
    listeners.push(`PROXY://127.0.0.1:${behindProxy}`);
    advertised.push(`PROXY://127.0.0.1:${options.proxyPort}`);
  }
  if (options.secure === true) {
    listeners.push(`SASL://127.0.0.1:${saslPort}`, `TLS://localhost:${tlsPort}`);
    advertised.push(`SASL://127.0.0.1:${saslPort}`, `TLS://localhost:${tlsPort}`);
  }
  const properties: Record<string, string | number> = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.quorum.voters": `1@127.0.0.1:${controller}`,
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAIN",
    listeners: listeners.join(","),
    "advertised.listeners": advertised.join(","),
    "listener.security.protocol.map": protocols.join(","),
    "log.dirs": join(folder, "data"),
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": 0,
    "offsets.topic.replication.factor": 1,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 1,
    "offsets.topic.num.partitions": 1,
    // Compaction soon after there is something to compact.
    "log.cleaner.backoff.ms": 100,
    "log.cleaner.dedupe.buffer.size": 8 * 1024 * 1024,
    "log.initial.task.delay.ms": 100,
  };
  if (options.secure === true) {
    const module = (name: string) => `org.apache.kafka.common.security.${name} required`;
    Object.assign(properties, {
      "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
      "listener.name.sasl.plain.sasl.jaas.config": `${module("plain.PlainLoginModule")} user_tester="${password}";`,
      "listener.name.sasl.scram-sha-256.sasl.jaas.config": `${module("scram.ScramLoginModule")};`,
      "listener.name.sasl.scram-sha-512.sasl.jaas.config": `${module("scram.ScramLoginModule")};`,
      "listener.name.tls.ssl.keystore.type": "PEM",
      "listener.name.tls.ssl.keystore.location": join(folder, "broker.pem"),
      "listener.name.tls.ssl.client.auth": "requested",
      "listener.name.tls.ssl.truststore.type": "PEM",
      "listener.name.tls.ssl.truststore.location": join(folder, "clients.pem"),
    });
  }
  Object.assign(properties, options.properties);
  const file = join(folder, "server.properties");
  await writeFile(
    file,
    Object.entries(properties)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(""),
  );
  const java = kafkaJava(tool.location, options);
  const scram = ["SCRAM-SHA-256", "SCRAM-SHA-512"].flatMap((mechanism) => [
    "--add-scram",
    `${mechanism}=[name=tester,password="${password}"]`,
  ]);
  await run("java", [
    ...java,
    "kafka.tools.StorageTool",
    "format",
    "-t",
    "AAAAAAAAAAAAAAAAAAAAAQ",
    "-c",
    file,
    ...(options.secure === true ? scram : []),
  ]);

  const settings: KafkaSettings = { brokers: [`127.0.0.1:${plain}`], clientId: "test" };
  let broker: ChildProcess | undefined;

  async function start(): Promise<void> {
    const output = await open(join(folder, "broker.log"), "a");
    const child = spawn("java", [...java, "kafka.Kafka", file], { stdio: ["ignore", output.fd, output.fd] });
    broker = child;
    await output.close();
    const isUp = async () => {
      if (child.exitCode !== null)
        throw new Error(`broker ended:\n${await readFile(join(folder, "broker.log"), "utf8")}`);
      return answers(settings);
    };
    await waitUntil("the Kafka broker", 180_000, isUp, { everyMs: 100 });
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const child = broker;
    broker = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    if (signal !== "SIGKILL") setTimeout(() => child.kill("SIGKILL"), 30_000).unref();
    await ended;
  }

  await start();
  return {
    brokers: settings.brokers,
    settings,
    proxied: { brokers: [`127.0.0.1:${options.proxyPort}`], clientId: "test" },
    proxyTarget: behindProxy,
    sasl: { brokers: [`127.0.0.1:${saslPort}`], username: "tester", password },
    tls: { brokers: [`localhost:${tlsPort}`], ca: authority.ca.toString(), clients: authority },
    async createTopic(topic, { partitions = 1, config = {} } = {}) {
      await createTopics({ log }, settings, [{ topic, partitions, replicationFactor: 1, config }]);
    },
    start,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    freeze() {
      if (broker?.pid !== undefined) freezeProcess(broker.pid);
    },
    thaw: () => void broker?.kill("SIGCONT"),
    async [Symbol.asyncDispose]() {
      await end("SIGKILL");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function answers(settings: KafkaSettings): Promise<boolean> {
  stopIdleTimer();
  const client = new kafkajs.Kafka({
    brokers: [...settings.brokers],
    retry: { retries: 0 },
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const admin = client.admin();
  try {
    await admin.connect();
    const { brokers } = await admin.describeCluster();
    return brokers.length > 0;
  } catch {
    return false;
  } finally {
    await admin.disconnect().catch(() => {});
  }
}

/** Leaves a certificate for localhost with its key in `broker.pem`, and in `clients.pem` whose certificates of clients are good. */
async function makeCertificate(folder: string, authority: Authority): Promise<void> {
  const { cert, key } = await authority.issue({ name: "localhost", use: "server" });
  await writeFile(join(folder, "broker.pem"), Buffer.concat([key, cert]), { mode: 0o600 });
  await writeFile(join(folder, "clients.pem"), authority.ca);
}
