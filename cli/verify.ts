/**
 * `verify`: says of an audit record, kept by anybody, whether it is whole, without asking the services that wrote it.
 *
 *     npm run verify -- audit.ndjson          or standard input
 *     npm run verify -- --brokers host:9092   the audit topic itself
 *     npm run verify -- --config FILE         the same, reached as the services say it: section kafka or stream
 *     npm run verify -- --stream-url-file f   the same of a stream in Postgres; the file holds its connection string
 *
 * One line per log; exit 0 when no log is broken, 1 when one is (or something is no audit event, or there is none), 2 when it
 * could not look: wrong usage, unreadable file, broker that does not answer. What a chain cannot show: verify/chain.ts.
 */
import { createReadStream } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { TOPICS } from "../core/messages/topics.ts";
import { databaseProblem } from "../platform/config/addresses.ts";
import { createLog } from "../platform/log/log.ts";
import type { StreamDeps } from "../platform/stream/assemble.ts";
import { createKafkaStream } from "../platform/stream/kafka.ts";
import type { KafkaSettings } from "../platform/stream/kafka-settings.ts";
import type { EventStream } from "../platform/stream/port.ts";
import { type StreamConfig, streamServer } from "../platform/stream/open-stream.ts";
import { createPostgresStream } from "../platform/stream/postgres.ts";
import { type ChainCheck, createChainCheck } from "./verify/chain.ts";
import { readStreamConfig } from "./verify/config.ts";
import { checkLines } from "./verify/from-lines.ts";
import { checkTopic } from "./verify/from-topic.ts";
import { reportOf } from "./verify/report.ts";

/** Shown at the server. */
const NAME = "countersign-verify";

type Options = {
  readonly fromZero?: boolean;
  readonly brokers?: readonly string[];
  readonly config?: string;
  readonly streamUrlFile?: string;
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
  .option("--config <file>", "read the topic instead: YAML with a section kafka or stream, as npm run topics takes it")
  .option(
    "--stream-url-file <file>",
    "read the topic in Postgres instead: file with postgres://…, never on the command line",
  )
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
  const { brokers, config, streamUrlFile, tls, tlsCa, username, passwordFile } = options;
  const sources = [file, brokers, config, streamUrlFile].filter((one) => one !== undefined);
  if (sources.length > 1) throw new Error("a file, --brokers, --config or --stream-url-file: one of them");
  if (config !== undefined && (tls ?? tlsCa ?? username ?? passwordFile) !== undefined) {
    throw new Error(
      "--tls, --tls-ca, --username and --password-file are for --brokers; with --config the file says it",
    );
  }
  if ((username === undefined) !== (passwordFile === undefined)) {
    throw new Error("--username and --password-file belong together");
  }
  if (brokers !== undefined) {
    const connection = await kafkaConnection(brokers, options);
    await readTopic((deps) => createKafkaStream(deps, { connection }), options, check);
  } else if (config !== undefined) {
    const said = await readStreamConfig(config);
    const open = said.stream === undefined ? await kafkaStream(said) : postgresStream(said.stream.url);
    await readTopic(open, options, check);
  } else if (streamUrlFile !== undefined) {
    const url = (await readFile(streamUrlFile, "utf8")).trim();
    const problem = databaseProblem(url);
    if (problem !== undefined) throw new Error(`--stream-url-file: the address ${problem}`);
    await readTopic(postgresStream(url), options, check);
  } else {
    await checkLines(await inputOf(file), check);
  }
  const { text, good } = reportOf(check.verdict());
  process.stdout.write(text);
  return good ? 0 : 1;
}

async function kafkaStream(config: StreamConfig): Promise<(deps: StreamDeps) => EventStream> {
  const log = createLog({ name: "verify", level: "silent" });
  const server = await streamServer(config, { clientName: NAME, log });
  return (deps) => server.open(deps);
}

/** NB: whoever only reads may not delete what is over. */
function postgresStream(connection: string): (deps: StreamDeps) => EventStream {
  return (deps) => createPostgresStream(deps, { connection, applicationName: NAME, cleanEveryMs: null });
}

async function inputOf(file: string | undefined) {
  if (file === undefined || file === "-") return process.stdin;
  await (await open(file)).close(); // says which file cannot be read, before anything is judged
  return createReadStream(file);
}

async function kafkaConnection(brokers: readonly string[], options: Options): Promise<KafkaSettings> {
  return {
    brokers,
    clientId: NAME,
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
}

async function readTopic(
  open: (deps: StreamDeps) => EventStream,
  { topic, timeout }: Options,
  check: ChainCheck,
): Promise<void> {
  const stop = new AbortController();
  const log = createLog({ name: "verify", level: "silent" });
  await using stream = open({ log, onFatal: (error) => stop.abort(error) });
  await checkTopic(stream, topic, check, { timeoutMs: timeout * 1_000, signal: stop.signal });
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
