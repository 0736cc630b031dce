/** What is measured on every event stream: the one in Postgres, and Kafka where it is to be had. */
import { hasKafka, startKafka } from "../harness/kafka.ts";
import type { Rig } from "./run-bench.ts";

/** `measure` is given Kafka's brokers; undefined: the stream is in Postgres. Answers Markdown, a heading for each. */
export async function onStreams(
  { progress }: Rig,
  measure: (kafka: readonly string[] | undefined) => Promise<string>,
): Promise<string> {
  const inPostgres = `### Stream in Postgres\n\n${await measure(undefined)}`;
  if (!(await hasKafka())) {
    progress("no Kafka here: see npm run tools");
    return `${inPostgres}\n\n### Kafka\n\nNot measured: there was no Kafka.`;
  }
  await using kafka = await startKafka({ isMeasured: true });
  progress("Kafka is up");
  return `${inPostgres}\n\n### Kafka\n\n${await measure(kafka.brokers)}`;
}
