/** The sample orders API as a process: `node sample/orders-api/main.ts [--config FILE]`. */
import { systemClock } from "../../platform/clock.ts";
import { sayInstead } from "../../platform/config/command-line.ts";
import { run } from "../../platform/lifecycle/lifecycle.ts";
import { createLog } from "../../platform/log/log.ts";
import { readConfig } from "./config.ts";
import { createJournal } from "./journal.ts";
import { createOrderBook } from "./order-book.ts";
import { startOrdersApi } from "./server.ts";

const KEPT_ENTRIES = 10_000;

const started = await readConfig(process.argv.slice(2));
if (started.kind === "exit") process.exit(sayInstead(started));
const { listen, orders } = started.config;
const log = createLog({ name: "orders" });
process.exit(
  await run({ log }, { drainDeadlineMs: 5_000, source: process }, async (lifecycle) => {
    const book = createOrderBook(orders);
    const journal = createJournal({ keep: KEPT_ENTRIES });
    const api = lifecycle.own(await startOrdersApi({ book, journal, now: systemClock.wallMs }, listen));
    log.info({ event: "started", host: listen.host, port: api.port }, "orders API listens");
  }),
);
