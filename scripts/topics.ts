/**
 * `npm run topics`: prints the topics as they have to be. `-- --create` creates those that do not exist and verifies all;
 * `-- --verify` says what differs. Existing topics are never altered: what a change would lose is for people to judge.
 *
 *     npm run topics
 *     npm run topics -- --create --brokers kafka-1:9092,kafka-2:9092
 *     npm run topics -- --verify --config operator.yaml
 *     npm run topics -- --create --config operator.yaml --role decision=pdp --role approval=approvals
 *
 * How brokers are reached is said in the words of the services: section `kafka` of a YAML file and the variables
 * KAFKA_BROKERS and COUNTERSIGN_KAFKA_…, such as COUNTERSIGN_KAFKA_SASL_PASSWORD_FILE; or section `stream` and
 * COUNTERSIGN_STREAM_… for topics in Postgres, where --role gives a database role the rights of a part. Exit 0 when all is
 * well, 1 when topics differ, 2 when it could not look.
 */
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { accessTo, topicSpecs } from "../core/messages/topic-setup.ts";
import { TOPICS, type TopicReader } from "../core/messages/topics.ts";
import { createLog } from "../platform/log/log.ts";
import { createDatabase } from "../platform/postgres/pool.ts";
import { streamServer } from "../platform/stream/open-stream.ts";
import { operatorStream } from "../platform/stream/operator-config.ts";
import { grantPostgresStream } from "../platform/stream/postgres-topics.ts";
import { aligned, topicTable } from "./topics/table.ts";

const PREFIX = "COUNTERSIGN_";
const PARTS: readonly TopicReader[] = ["decision", "approval", "auditor"];

type Options = {
  readonly create?: boolean;
  readonly verify?: boolean;
  readonly brokers?: string;
  readonly config?: string;
  readonly partitions: number;
  readonly replicas: number;
  readonly role: readonly Role[];
};

/** A role of the database, and the part of the product that connects as it. */
type Role = { readonly part: TopicReader; readonly name: string };

/** What makes it impossible to look, told as it is. */
class Unusable extends Error {}

const program = new Command("topics")
  .description("Prints the topics as they have to be, creates them, or says what differs.")
  .option("--create", "create what does not exist, then verify")
  .option("--verify", "say what differs")
  .option("--brokers <list>", "host:port, comma-separated; before KAFKA_BROKERS and the file")
  .option("--config <file>", "YAML with a section kafka or stream, as the services have it")
  .option("--partitions <number>", "of topics where the number is a choice", count, 6)
  .option("--replicas <number>", "of every partition; 1 on a single broker", count, 3)
  .option(
    "--role <part=name>",
    "with --create in Postgres: lets a role do what the part needs; may be repeated",
    role,
    [],
  )
  .allowExcessArguments(false)
  .exitOverride();

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 1_000) throw new InvalidArgumentError("1 to 1000");
  return value;
}

function role(text: string, others: readonly Role[]): readonly Role[] {
  const [, word = "", name = ""] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  const part = PARTS.find((one) => one === word);
  if (part === undefined) throw new InvalidArgumentError(`${PARTS.join("=NAME, ")}=NAME`);
  return [...others, { part, name }];
}

async function run(options: Options): Promise<number> {
  const say = (line: string) => process.stdout.write(`${line}\n`);
  if (options.create !== true && options.verify !== true) {
    say(aligned(topicTable(options)));
    return 0;
  }
  const { brokers, config: file } = options;
  const config = await operatorStream({ env: process.env, prefix: PREFIX, file, brokers });
  if (options.role.length > 0 && config.stream === undefined) throw new Unusable("--role is for topics in Postgres");
  const log = createLog({ name: "topics", level: "silent" });
  const server = await streamServer(config, { clientName: "countersign-topics", log });
  // A number that was chosen at creation need not be known again: any will do, unless it is asked for.
  const isChosen = program.getOptionValueSource("partitions") === "cli";
  const anyNumber = topicSpecs({ ...options, partitions: 1 });
  if (options.create === true) {
    // More than one partition is for more than one machine.
    const specs = isChosen || config.stream === undefined ? topicSpecs(options) : anyNumber;
    for (const topic of await server.createTopics(specs)) say(`created ${topic}`);
    if (config.stream !== undefined) await grant(config.stream.url, options.role);
  }
  const specs = isChosen ? topicSpecs(options) : anyNumber;
  const faults = await server.verifyTopics(specs);
  for (const { topic, problem } of faults) say(`${topic} ${problem}`);
  if (faults.length === 0) say(`${specs.length} topics are as they have to be`);
  return faults.length === 0 ? 0 : 1;
}

async function grant(url: string, roles: readonly Role[]): Promise<void> {
  const log = createLog({ name: "topics", level: "silent" });
  await using database = createDatabase({ log }, { connection: url, applicationName: "countersign-topics" });
  for (const [name, parts] of Map.groupBy(roles, (one) => one.name)) {
    const granted = (right: "Read" | "Write") =>
      Object.values(TOPICS)
        .filter((topic) =>
          accessTo(topic).some(({ who, rights }) => parts.some(({ part }) => part === who) && rights.includes(right)),
        )
        .map((topic) => topic.name);
    await grantPostgresStream(database, { role: name, read: granted("Read"), write: granted("Write") });
  }
}

try {
  await program.parseAsync();
  process.exitCode = await run(program.opts<Options>());
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else {
    process.stderr.write(`topics: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  }
}
