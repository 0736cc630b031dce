/**
 * `npm run topics`: prints the topics as they have to be. `-- --create` creates those that do not exist and verifies all;
 * `-- --verify` says what differs. Existing topics are never altered: what a change would lose is for people to judge.
 *
 *     npm run topics
 *     npm run topics -- --create --brokers kafka-1:9092,kafka-2:9092
 *     npm run topics -- --verify --config operator.yaml
 *
 * How brokers are reached is said in the words of the services: section `kafka` of a YAML file and the variables
 * KAFKA_BROKERS and COUNTERSIGN_KAFKA_…, such as COUNTERSIGN_KAFKA_SASL_PASSWORD_FILE. Exit 0 when all is well, 1 when topics
 * differ, 2 when it could not look.
 */
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { Type } from "typebox";
import { topicSpecs } from "../core/messages/topic-setup.ts";
import { describeFaults, loadConfig } from "../platform/config/load.ts";
import { createLog } from "../platform/log/log.ts";
import { KafkaSchema, kafkaFaults, kafkaSettings } from "../platform/stream/kafka-config.ts";
import type { KafkaSettings } from "../platform/stream/kafka-settings.ts";
import { createTopics, verifyTopics } from "../platform/stream/kafka-topics.ts";
import { aligned, topicTable } from "./topics/table.ts";

const PREFIX = "COUNTERSIGN_";
const VARIABLES = /^(KAFKA_BROKERS|COUNTERSIGN_KAFKA_\w+)$/;

type Options = {
  readonly create?: boolean;
  readonly verify?: boolean;
  readonly brokers?: string;
  readonly config?: string;
  readonly partitions: number;
  readonly replicas: number;
};

/** What makes it impossible to look, told as it is. */
class Unusable extends Error {}

const program = new Command("topics")
  .description("Prints the topics as they have to be, creates them, or says what differs.")
  .option("--create", "create what does not exist, then verify")
  .option("--verify", "say what differs")
  .option("--brokers <list>", "host:port, comma-separated; before KAFKA_BROKERS and the file")
  .option("--config <file>", "YAML with a section kafka, as the services have it")
  .option("--partitions <number>", "of topics where the number is a choice", count, 6)
  .option("--replicas <number>", "of every partition; 1 on a single broker", count, 3)
  .allowExcessArguments(false)
  .exitOverride();

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 1_000) throw new InvalidArgumentError("1 to 1000");
  return value;
}

async function run(options: Options): Promise<number> {
  const say = (line: string) => process.stdout.write(`${line}\n`);
  if (options.create !== true && options.verify !== true) {
    say(aligned(topicTable(options)));
    return 0;
  }
  const settings = await settingsOf(options);
  const specs = topicSpecs(options);
  // A number that was chosen at creation need not be known again: any will do, unless it is asked for.
  const isChosen = program.getOptionValueSource("partitions") === "cli";
  const wanted = isChosen ? specs : topicSpecs({ ...options, partitions: 1 });
  const deps = { log: createLog({ name: "topics", level: "silent" }) };
  if (options.create === true) {
    for (const topic of await createTopics(deps, settings, specs)) say(`created ${topic}`);
  }
  const faults = await verifyTopics(deps, settings, wanted);
  for (const { topic, problem } of faults) say(`${topic} ${problem}`);
  if (faults.length === 0) say(`${specs.length} topics are as they have to be`);
  return faults.length === 0 ? 0 : 1;
}

async function settingsOf({ brokers, config: file }: Options): Promise<KafkaSettings> {
  const variables = Object.entries(process.env).filter(([name]) => VARIABLES.test(name));
  const loaded = await loadConfig({
    schema: Type.Object({ kafka: KafkaSchema }, { additionalProperties: false }),
    env: { ...Object.fromEntries(variables), ...(brokers === undefined ? {} : { KAFKA_BROKERS: brokers }) },
    ...(file === undefined ? {} : { file }),
    prefix: PREFIX,
    check: ({ kafka }) => kafkaFaults(kafka, "kafka"),
  });
  if (loaded.kind === "invalid") throw new Unusable(describeFaults(loaded.faults));
  return kafkaSettings(loaded.config.kafka, "countersign-topics");
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
