/**
 * `verify`: says of an audit record, kept by anybody, whether it is whole, without asking the services that wrote it.
 *
 *     node cli/verify.ts audit.ndjson          or standard input
 *     node cli/verify.ts --brokers host:9092   the audit topic itself
 *
 * One line per log; exit 0 when no log is broken, 1 when one is (or something is no audit event, or there is none), 2 when it
 * could not look: wrong usage, unreadable file, broker that does not answer. What a chain cannot show: verify/chain.ts.
 */
import { createReadStream } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { TOPICS } from "../core/messages/topics.ts";
import { createLog } from "../platform/log/log.ts";
import { createKafkaStream } from "../platform/stream/kafka.ts";
import type { KafkaSettings } from "../platform/stream/kafka-settings.ts";
import { type ChainCheck, createChainCheck } from "./verify/chain.ts";
import { checkLines } from "./verify/from-lines.ts";
import { checkTopic } from "./verify/from-topic.ts";
import { reportOf } from "./verify/report.ts";

type Options = {
  readonly fromZero?: boolean;
  readonly brokers?: readonly string[];
  readonly topic: string;
  readonly tlsCa?: string;
  readonly tls?: boolean;
  readonly username?: string;
  readonly passwordFile?: string;
  readonly timeout: number;
};

const program = new Command("verify")
  .description("Says for each log of an audit record: whole, tail unknown, or where it is broken first.")
  .argument("[file]", "NDJSON of audit events; standard input when absent")
  .option("--from-zero", "a log that does not begin at index 0 counts as broken")
  .option("--brokers <list>", "read the Kafka topic instead: host:port, comma-separated", (text) => text.split(","))
  .option("--topic <name>", "the audit topic", TOPICS.audit.name)
  .option("--tls", "connect to the brokers over TLS")
  .option("--tls-ca <file>", "PEM of the authority that signed the brokers' certificates; implies --tls")
  .option("--username <name>", "SASL SCRAM-SHA-512 user, with --password-file")
  .option("--password-file <file>", "file with the password; never on the command line")
  .option("--timeout <seconds>", "give up reading the topic after this long", seconds, 300)
  .exitOverride();

function seconds(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 86_400) throw new InvalidArgumentError("1 to 86400");
  return value;
}

async function run(file: string | undefined, options: Options): Promise<number> {
  const check = createChainCheck({ fromZero: options.fromZero === true });
  if (options.brokers !== undefined) {
    if (file !== undefined) throw new Error("a file or --brokers, not both");
    await readTopic(options.brokers, options, check);
  } else {
    await checkLines(await inputOf(file), check);
  }
  const { text, good } = reportOf(check.verdict());
  process.stdout.write(text);
  return good ? 0 : 1;
}

async function inputOf(file: string | undefined) {
  if (file === undefined || file === "-") return process.stdin;
  await (await open(file)).close(); // says which file cannot be read, before anything is judged
  return createReadStream(file);
}

async function readTopic(brokers: readonly string[], options: Options, check: ChainCheck): Promise<void> {
  const connection: KafkaSettings = {
    brokers,
    clientId: "countersign-verify",
    ...(options.tls === true || options.tlsCa !== undefined
      ? { tls: options.tlsCa === undefined ? {} : { ca: await readFile(options.tlsCa, "utf8") } }
      : {}),
    ...(options.username === undefined || options.passwordFile === undefined
      ? {}
      : {
          sasl: {
            mechanism: "scram-sha-512",
            username: options.username,
            password: (await readFile(options.passwordFile, "utf8")).trim(),
          },
        }),
  };
  const stop = new AbortController();
  const log = createLog({ name: "verify", level: "silent" });
  await using stream = createKafkaStream({ log, onFatal: (error) => stop.abort(error) }, { connection });
  const timeout = AbortSignal.timeout(options.timeout * 1_000);
  await checkTopic(stream, options.topic, check, AbortSignal.any([stop.signal, timeout]));
}

try {
  await program.parseAsync();
  process.exitCode = await run(program.args[0], program.opts<Options>());
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else {
    process.stderr.write(`verify: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  }
}
