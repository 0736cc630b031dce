/**
 * One of several instances that share a topic, as a process of its own, to be killed: `consuming-process.ts CONFIG TOPIC DATABASE NAME`. It
 * reads with the approval service's consumer: a lock per partition, the offset moved in the transaction of the effect. The effect is a row
 * in `effects` with the name of the instance.
 */
import { AppError } from "../../../core/domain/app-error.ts";
import { createLog } from "../../../platform/log/log.ts";
import { createDatabase } from "../../../platform/postgres/pool.ts";
import { streamServer } from "../../../platform/stream/open-stream.ts";
import { createConsumer } from "../../../services/approval/intake/consumer.ts";

/** What the test makes before it starts an instance. */
export const EFFECTS_SQL = `
  create table offsets (topic text, partition int, next_offset bigint not null, primary key (topic, partition));
  create table effects (n bigint generated always as identity, instance text, partition int, key text, value text)`;

if (process.argv[1] === import.meta.filename) {
  const [config = "", topic = "", connection = "", name = ""] = process.argv.slice(2);
  const log = createLog({ name, level: "silent" });
  const database = createDatabase({ log }, { connection, applicationName: name });
  const server = await streamServer(JSON.parse(config), { clientName: name, log });
  const stream = server.open({
    onFatal(error) {
      throw error;
    },
  });
  const consumer = createConsumer(
    {
      database,
      events: { lost: () => {}, waits: () => {} },
      offsets: {
        async stored(of, partition, initial) {
          await database.query("insert into offsets values ($1, $2, $3) on conflict do nothing", [
            of,
            partition,
            initial,
          ]);
          const { rows } = await database.query<{ next_offset: string }>(
            "select next_offset from offsets where topic = $1 and partition = $2",
            [of, partition],
          );
          return BigInt(rows[0]?.next_offset ?? initial);
        },
        async advance() {
          throw new Error("no offset of this test lies outside its topic");
        },
      },
      take: (record, { partition, from, next }) =>
        database.transaction("take", async (tx) => {
          const moved = await tx.query(
            "update offsets set next_offset = $4 where topic = $1 and partition = $2 and next_offset = $3",
            [topic, partition, from, next],
          );
          if (moved.rowCount !== 1) throw new AppError("conflict", "moved by somebody else");
          await tx.query("insert into effects (instance, partition, key, value) values ($1, $2, $3, $4)", [
            name,
            partition,
            record.key,
            record.value?.toString(),
          ]);
        }),
    },
    topic,
  );
  stream.subscribe(consumer.subscription);
}
