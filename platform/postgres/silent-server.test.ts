/**
 * A server that keeps a connection open and says nothing on it any more (frozen, cut off, a proxy that lost what is behind it): nobody waits
 * for it without end. It is played by a few bytes of the protocol, since a real one cannot be made to stop at each of these points.
 */
import { afterEach, expect, test } from "@jest/globals";
import { startSilentServer } from "../../test/harness/silent-server.ts";
import { createLog } from "../log/log.ts";
import { createDatabase, type Database } from "./pool.ts";

const log = createLog({ name: "test", level: "silent" });
const REFUSAL = message("E", "SFATAL\0VFATAL\0C57P03\0Mthe database system is in recovery mode\0\0");
const WELCOME = Buffer.concat([message("R", "\0\0\0\0"), message("Z", "I")]);
/** Limits of the database below: to connect, and for a statement with the time that its answer may be late. */
const CONNECT_MS = 300;
const ANSWER_MS = 5_100;

let owned = new AsyncDisposableStack();
afterEach(async () => {
  await owned.disposeAsync();
  owned = new AsyncDisposableStack();
});

function message(type: string, body: string): Buffer {
  const bytes = Buffer.from(`${type}....${body}`, "latin1");
  bytes.writeInt32BE(body.length + 4, 1);
  return bytes;
}

/** Answers the first message of a connection so, and never closes one. */
async function against(answer: Buffer): Promise<Database> {
  const { port } = owned.use(await startSilentServer(answer));
  return createDatabase(
    { log },
    {
      connection: { host: "127.0.0.1", port, user: "test", database: "test" },
      applicationName: "test",
      statementTimeoutMs: 100,
      connectTimeoutMs: CONNECT_MS,
    },
  );
}

async function msFor(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

test("a server that accepts a session and says nothing is given up after the time to connect", async () => {
  const database = await against(Buffer.alloc(0));
  const took = await msFor(() => expect(database.openSession("test")).rejects.toThrow("timeout"));
  expect(took).toBeLessThan(CONNECT_MS + 10_000);
});

test("a server that refuses a session and keeps its connection open is given up", async () => {
  const database = await against(REFUSAL);
  const took = await msFor(() => expect(database.openSession("test")).rejects.toThrow("recovery mode"));
  expect(took).toBeLessThan(15_000);
  await database.close();
}, 20_000);

test("a statement that is never answered rejects, in a session and in the pool, and both can be closed", async () => {
  const database = await against(WELCOME);
  const session = await database.openSession("test");
  const took = await msFor(async () => {
    const asked = [session.query("select 1"), database.query("select 1"), database.transaction("test", async () => {})];
    const unanswered = { status: "rejected", reason: { message: "Query read timeout" } };
    for (const answer of await Promise.allSettled(asked)) expect(answer).toMatchObject(unanswered);
  });
  expect(took).toBeLessThan(2 * ANSWER_MS + 10_000);
  await session.close();
  await database.close();
}, 40_000);

test("a session whose statement was not answered is lost, and what waits behind it is not kept waiting", async () => {
  const database = await against(WELCOME);
  const session = await database.openSession("test");
  const took = await msFor(async () => {
    const asked = [session.transaction("test", (tx) => tx.query("select 1")), session.query("select 1")];
    for (const answer of await Promise.allSettled(asked)) expect(answer.status).toBe("rejected");
  });
  expect(session.lost.aborted).toBe(true);
  expect(took).toBeLessThan(ANSWER_MS + 10_000);
  await database.close();
}, 40_000);

test("a session that nobody uses can be closed although its server does not take leave", async () => {
  const database = await against(WELCOME);
  const session = await database.openSession("test");
  expect(await msFor(() => database.close())).toBeLessThan(15_000);
  expect(session.lost.aborted).toBe(true);
}, 20_000);
