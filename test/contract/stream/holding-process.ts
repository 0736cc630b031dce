/**
 * A publisher that stays inside its transaction, as a process of its own, to be killed: `holding-process.ts DATABASE TOPIC`. Says `published`
 * once it holds the head of the topic.
 */
import pg from "pg";

const [connection = "", topic = ""] = process.argv.slice(2);
const client = new pg.Client(connection);
await client.connect();
await client.query("begin");
await client.query("select event_stream.publish(array[$1], array['k'::bytea], array['held'::bytea], array[null])", [
  topic,
]);
process.stdout.write("published\n");
