/**
 * How tests run Kafka's programs, which they start some fifty times in a whole run: compiled quickly rather than well, and with the classes of
 * Kafka mapped from a file that was written once (`keepKafkaClasses`) instead of read from a hundred jars. A broker then starts with a quarter of
 * the work. Java takes the file only where Java and the jars are those it was made of, and does without it otherwise.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { runCommand } from "./run-command.ts";

const timeoutMs = 120_000;
/** What Java exits with after SIGTERM, when it has done all that is to be done at its end. */
const ENDED_BY_TERM = 143;
const quick = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
const common = ["-Xmx512m", "-Xlog:cds=off", "-Xlog:cds+dynamic=off", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"];

/** What stands between `java` and the name of a program of Kafka. `isMeasured`: as it is run by those whose figures are of interest. */
export function kafkaJava(jars: string, { isMeasured = false }: { readonly isMeasured?: boolean } = {}): string[] {
  const classes = process.env["TEST_KAFKA_CLASSES"];
  const kept = classes === undefined ? [] : [`-XX:SharedArchiveFile=${classes}`];
  return [...common, ...(isMeasured ? [] : [...quick, ...kept]), "-cp", `${jars}/*`];
}

/** Writes the file into `folder` where it is not there yet. Answers its path; undefined when it could not be made, which costs time alone. */
export async function keepKafkaClasses(jars: string, folder: string): Promise<string | undefined> {
  await mkdir(folder, { recursive: true });
  const name = await fileName(jars);
  const others = (await readdir(folder)).filter((entry) => entry.endsWith(".jsa"));
  if (others.includes(name)) return path.join(folder, name);
  const scratch = await mkdtemp(path.join(tmpdir(), "kafka-classes-"));
  const made = path.join(folder, `kafka-${process.pid}.new`);
  try {
    await runBroker(jars, scratch, [`-XX:ArchiveClassesAtExit=${made}`]);
    await rename(made, path.join(folder, name));
    await Promise.all(others.map((entry) => rm(path.join(folder, entry), { force: true })));
    return path.join(folder, name);
  } catch {
    return undefined;
  } finally {
    await rm(made, { force: true });
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Says of which Java and which jars it is. */
async function fileName(jars: string): Promise<string> {
  const java = await runCommand("java", ["-version"], { timeoutMs });
  const hash = createHash("sha256").update(JSON.stringify([java, jars]));
  for (const entry of (await readdir(jars)).toSorted()) {
    const { size, mtimeMs } = await stat(path.join(jars, entry));
    hash.update(JSON.stringify([entry, size, mtimeMs]));
  }
  return `kafka-${hash.digest("hex").slice(0, 16)}.jsa`;
}

/** From its start until it could be used, and then to its end. */
async function runBroker(jars: string, scratch: string, options: readonly string[]): Promise<void> {
  const [plain, controller] = [await freePort(), await freePort()];
  const file = path.join(scratch, "server.properties");
  await writeFile(
    file,
    [
      "process.roles=broker,controller",
      "node.id=1",
      `controller.quorum.voters=1@127.0.0.1:${controller}`,
      "controller.listener.names=CONTROLLER",
      `listeners=PLAIN://127.0.0.1:${plain},CONTROLLER://127.0.0.1:${controller}`,
      "listener.security.protocol.map=PLAIN:PLAINTEXT,CONTROLLER:PLAINTEXT",
      "inter.broker.listener.name=PLAIN",
      `log.dirs=${path.join(scratch, "data")}`,
    ].join("\n"),
  );
  const java = [
    ...common,
    ...quick,
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
    "-cp",
    `${jars}/*`,
  ];
  const format = ["kafka.tools.StorageTool", "format", "-t", "AAAAAAAAAAAAAAAAAAAAAQ", "-c", file];
  const formatted = await runCommand("java", [...java, ...format], { timeoutMs });
  if (formatted.kind === "failed") throw new Error(formatted.message);
  const broker = spawn("java", [...options, ...java, "kafka.Kafka", file], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: timeoutMs,
    killSignal: "SIGKILL",
  });
  const ended = once(broker, "exit");
  for (const output of [broker.stdout, broker.stderr])
    output.on("data", (text: Buffer) => {
      if (text.includes("Kafka Server started")) broker.kill("SIGTERM");
    });
  const [code] = await ended;
  if (code !== ENDED_BY_TERM) throw new Error(`the broker ended with ${code}, and may have left half a file`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
