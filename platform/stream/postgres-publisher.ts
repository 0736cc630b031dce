/**
 * Publishes into the event stream of Postgres: one session, one statement at a time; whatever is requested meanwhile goes together into the next
 * one (a commit costs a flush to disk, and publishers of one partition wait for each other anyway).
 *
 * Order: a statement whose caller has given up may still take effect, but never after one that was sent later: on one session because it runs one
 * after the other, and across sessions by a fence. NB: a lost connection does not end the statement that runs on it. A new session sends nothing
 * until the old one's server process is known to be gone.
 */
import { createBackoff } from "../backoff.ts";
import type { Log } from "../log/log.ts";
import type { Database, Session } from "../postgres/pool.ts";
import { isUndone } from "../postgres/sql-state.ts";
import type { OutgoingRecord, PublishOptions, PublishOutcome } from "./port.ts";
import { keep } from "./postgres-record.ts";

interface PostgresPublisher {
  publish(records: readonly OutgoingRecord[], options: PublishOptions): Promise<PublishOutcome>;
  close(): Promise<void>;
}

/** One call of `publish`. `settle` counts once; the first outcome is the one that the caller saw. */
interface Call {
  readonly records: readonly OutgoingRecord[];
  readonly settle: (outcome: PublishOutcome) => void;
}

/** A server process, by number and start: numbers are used again. */
interface Backend {
  readonly pid: number;
  readonly started: string;
}

/** Records that go into one statement, unless one call alone has more. */
const MAX_TOGETHER = 500;
/** So many records at most go with a parameter for each value. */
const MAX_AS_BYTES = 16;
/** How long the fence waits for the old process to end before it says that it has not. */
const FENCE_MS = 1_000;

export function createPostgresPublisher({
  database,
  log,
}: {
  readonly database: Pick<Database, "openSession">;
  readonly log: Log;
}): PostgresPublisher {
  const stop = new AbortController();
  const backoff = createBackoff({ firstMs: 50, maxMs: 2_000 });
  const queue: Call[] = [];
  let isPumping = false;
  let pumping: Promise<void> = Promise.resolve();
  let open: { readonly session: Session; readonly backend: Backend } | undefined;
  /** Whose last statement was not answered. */
  let unanswered: Backend | undefined;

  async function connected(): Promise<Session> {
    if (open !== undefined && !open.session.lost.aborted) return open.session;
    open = undefined;
    const session = await database.openSession("stream publisher");
    try {
      if (unanswered !== undefined) await fence(session, unanswered);
      unanswered = undefined;
      open = { session, backend: await backendOf(session) };
      backoff.reset();
      return session;
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  /** Sends all records, or none when the server refuses (`refused`). After a rejection it is not known, and the session is given up. */
  async function send(
    records: readonly OutgoingRecord[],
  ): Promise<{ kind: "acked" } | { kind: "refused"; cause: unknown }> {
    const session = await connected();
    try {
      await sendAll(session, records);
      return { kind: "acked" };
    } catch (cause) {
      if (isUndone(cause)) return { kind: "refused", cause };
      unanswered = open?.backend;
      open = undefined;
      void session.close();
      throw cause;
    }
  }

  /** One round: the calls at the front of the queue, together; each alone when the server refuses them together. */
  async function round(calls: readonly Call[]): Promise<void> {
    const together = await send(calls.flatMap(({ records }) => records));
    if (together.kind === "acked") {
      for (const { settle } of calls) settle(together);
      return;
    }
    if (calls.length === 1) {
      calls[0]?.settle({ kind: "unknown", cause: together.cause });
      return;
    }
    for (const call of calls) await round([call]);
  }

  async function pump(): Promise<void> {
    isPumping = true;
    try {
      while (queue.length > 0 && !stop.signal.aborted) await next();
    } finally {
      isPumping = false; // in the same turn as the queue was seen empty: a call that comes later starts anew
    }
  }

  async function next(): Promise<void> {
    try {
      await connected(); // before calls are taken: until something is sent, they wait as long as their deadlines allow
    } catch (error) {
      log.warn({ event: "stream_not_connected", err: error }, "the stream cannot publish; connecting again");
      await backoff.wait(stop.signal).catch(() => {});
      return;
    }
    const calls = takeTogether(queue);
    try {
      await round(calls);
    } catch (cause) {
      log.warn(
        { event: "publish_unanswered", err: cause },
        "records may not be in the stream: the database did not answer; who sent them is told",
      );
      for (const { settle } of calls) settle({ kind: "unknown", cause });
    }
  }

  return {
    publish(records, { deadlineMs }) {
      if (records.length === 0) return Promise.resolve({ kind: "acked" });
      if (stop.signal.aborted) return Promise.resolve({ kind: "unknown", cause: new Error("stream is closed") });
      return new Promise((resolve) => {
        const giveUp = () => call.settle({ kind: "unknown", cause: new Error(`no answer in ${deadlineMs} ms`) });
        const timer = setTimeout(giveUp, deadlineMs);
        const call: Call = {
          records,
          settle(outcome) {
            clearTimeout(timer);
            const waiting = queue.indexOf(call);
            if (waiting >= 0) queue.splice(waiting, 1); // never sent
            resolve(outcome);
          },
        };
        queue.push(call);
        if (!isPumping) pumping = pump();
      });
    },
    async close() {
      stop.abort();
      for (const { settle } of [...queue]) settle({ kind: "unknown", cause: new Error("stream is closed") });
      await pumping;
      await open?.session.close();
    },
  };
}

/** A list of values would be written in hexadecimal here and read from it there: few go as bytes, each as a parameter of its own. */
function sendAll(session: Session, records: readonly OutgoingRecord[]): Promise<unknown> {
  const kept = records.map(keep);
  const values = kept.map(({ value }) => value);
  const areFew = values.length <= MAX_AS_BYTES;
  const list = areFew ? `array[${values.map((_, at) => `$${at + 4}::bytea`).join(", ")}]` : "$4";
  return session.query(`select event_stream.publish($1, $2, ${list}, $3)`, [
    records.map(({ topic }) => topic),
    records.map(({ key }) => Buffer.from(key, "utf8")),
    kept.map(({ headers }) => headers),
    ...(areFew ? values : [values]),
  ]);
}

function takeTogether(queue: Call[]): Call[] {
  let records = 0;
  let count = 0;
  for (const call of queue) {
    records += call.records.length;
    if (count > 0 && records > MAX_TOGETHER) break;
    count += 1;
  }
  return queue.splice(0, count);
}

async function backendOf(session: Session): Promise<Backend> {
  const { rows } = await session.query<Backend>(
    "select pid, backend_start::text as started from pg_stat_activity where pid = pg_backend_pid()",
  );
  const [backend] = rows;
  if (backend === undefined) throw new Error("this session is not listed in pg_stat_activity");
  return backend;
}

/** Rejects unless the server process is gone: what it was doing has been committed by now, or never will be. */
async function fence(session: Session, { pid, started }: Backend): Promise<void> {
  const { rows } = await session.query<{ ended: boolean }>(
    "select pg_terminate_backend(pid, $3) as ended from pg_stat_activity where pid = $1 and backend_start::text = $2",
    [pid, started, FENCE_MS],
  );
  if (rows.some(({ ended }) => !ended)) throw new Error(`server process ${pid} still runs a statement of ours`);
}
