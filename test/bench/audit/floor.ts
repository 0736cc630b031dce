/**
 * The floor of the audit record, a process of its own: the same texts in batches as large as those of the sealer and the relay, each inserted
 * and committed, and then each published and acknowledged, one after the other and nothing else.
 */
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { TOPICS } from "../../../core/messages/topics.ts";
import { createLog } from "../../../platform/log/log.ts";
import { createDatabase } from "../../../platform/postgres/pool.ts";
import { KafkaSchema } from "../../../platform/stream/kafka-config.ts";
import { streamServer, type StreamConfig } from "../../../platform/stream/open-stream.ts";
import { PostgresStreamSchema } from "../../../platform/stream/postgres-config.ts";
import { answerWith, given } from "../child.ts";

const BATCH = 200;
const DEADLINE = { deadlineMs: 10_000 };
const log = createLog({ name: "bench", level: "silent" });

const Spec = Compile(
  Type.Object({
    connection: Type.String(),
    stream: Type.Object({ kafka: Type.Optional(KafkaSchema), stream: Type.Optional(PostgresStreamSchema) }),
    texts: Type.Array(Type.String()),
  }),
);
export type FloorSpec = {
  readonly connection: string;
  readonly stream: StreamConfig;
  readonly texts: readonly string[];
};

async function floor({
  connection,
  stream: config,
  texts,
}: FloorSpec): Promise<{ insertMs: number; publishMs: number }> {
  const batches = Array.from({ length: Math.ceil(texts.length / BATCH) }, (_, at) =>
    texts.slice(at * BATCH, (at + 1) * BATCH),
  );
  await using database = createDatabase({ log }, { connection, applicationName: "bench" });
  await database.query("select 1"); // connected
  const server = await streamServer(config, { clientName: "bench", log });
  await using stream = server.open({
    onFatal(error) {
      throw error;
    },
  });
  await stream.endOffsets(TOPICS.audit.name, DEADLINE);

  const begun = performance.now();
  for (const batch of batches) {
    await database.query("insert into bare (event) select unnest($1::json[])", [batch]);
  }
  const inserted = performance.now();
  for (const batch of batches) {
    const records = batch.map((text) => ({ topic: TOPICS.audit.name, key: "bench", value: Buffer.from(text) }));
    const outcome = await stream.publish(records, DEADLINE);
    if (outcome.kind !== "acked") throw new Error("not acknowledged", { cause: outcome.cause });
  }
  return { insertMs: inserted - begun, publishMs: performance.now() - inserted };
}

if (process.argv[1] === import.meta.filename) answerWith(await floor(Spec.Parse(await given())));
