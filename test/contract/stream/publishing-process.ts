/**
 * A publisher as a process of its own, to be killed: `publishing-process.ts CONFIG TOPIC`. Publishes batch after batch as fast as it can; each
 * holds one record per key with the number of the batch. Says the number of each batch that was acknowledged, one per line.
 */
import { createLog } from "../../../platform/log/log.ts";
import { streamServer } from "../../../platform/stream/open-stream.ts";

const [config = "", topic = ""] = process.argv.slice(2);
const log = createLog({ name: "publisher", level: "silent" });
const server = await streamServer(JSON.parse(config), { clientName: "publisher", log });
const stream = server.open({
  onFatal(error) {
    throw error;
  },
});
const keys = Array.from({ length: 30 }, (_, n) => `key-${n}`);
for (let batch = 0; ; batch += 1) {
  const records = keys.map((key) => ({ topic, key, value: Buffer.from(String(batch)) }));
  while ((await stream.publish(records, { deadlineMs: 30_000 })).kind !== "acked");
  process.stdout.write(`${batch}\n`);
}
