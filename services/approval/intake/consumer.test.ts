import { expect, test } from "@jest/globals";
import type pg from "pg";
import type { Session } from "../../../platform/postgres/pool.ts";
import { createConsumer } from "./consumer.ts";

function answer<Row extends pg.QueryResultRow>(row: object): pg.QueryResult<Row> {
  const rows: Row[] = JSON.parse(JSON.stringify([row]));
  return { rows, rowCount: 1, command: "SELECT", oid: 0, fields: [] };
}

/** A database whose advisory locks belong to sessions; it can be down. */
function lockingDatabase() {
  const holders = new Map<unknown, Session>();
  let down = false;
  let opened = 0;
  return {
    get opened() {
      return opened;
    },
    down(yes: boolean) {
      down = yes;
    },
    async openSession(): Promise<Session> {
      await Promise.resolve();
      if (down) throw new Error("connection refused");
      opened += 1;
      const session: Session = {
        query<Row extends pg.QueryResultRow>(_text: string, [lock]: readonly unknown[] = []) {
          const holder = holders.get(lock) ?? session;
          holders.set(lock, holder);
          return Promise.resolve(answer<Row>({ locked: holder === session }));
        },
        transaction: () => Promise.reject(new Error("not asked for")),
        onNotification: () => {},
        lost: new AbortController().signal,
        close: () => Promise.resolve(),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      };
      return session;
    },
  };
}

function consumerOn(database: ReturnType<typeof lockingDatabase>) {
  return createConsumer(
    {
      database,
      offsets: { stored: (_topic, _partition, initial) => Promise.resolve(initial), advance: () => Promise.resolve() },
      take: () => Promise.resolve(),
      events: { lost: () => {}, waits: () => {} },
    },
    "t",
  ).subscription;
}

const range = { earliest: 0n, end: 0n };

test.each(["at the start", "after an outage"])(
  "partitions that ask at the same time share one session, %s",
  async (when) => {
    const database = lockingDatabase();
    const { from } = consumerOn(database);
    const partitions = [0, 1, 2, 3];
    if (when === "after an outage") {
      database.down(true);
      const refused = partitions.map((partition) => from(partition, range).catch(() => "down"));
      database.down(false);
      await Promise.all(refused);
    }
    await Promise.all(partitions.map((partition) => from(partition, range)));
    expect(database.opened).toBe(1);
    // NB: a lock on a session that was forgotten would be refused to the consumer itself, for ever.
    expect(await Promise.all(partitions.map((partition) => from(partition, range)))).toEqual([0n, 0n, 0n, 0n]);
  },
);
