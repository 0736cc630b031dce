/** `npm run topics` for a stream in Postgres, as its user runs it: schema, topics and roles from nothing, and what it finds different. */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import pg from "pg";
import { TOPICS } from "../../core/messages/topics.ts";
import { createLog } from "../../platform/log/log.ts";
import { createDatabase, type Database } from "../../platform/postgres/pool.ts";
import { createPostgresStream } from "../../platform/stream/postgres.ts";
import { createTestDatabase, type TestDatabase } from "../harness/postgres.ts";
import { runService } from "../harness/run-service.ts";

const DEADLINE = { deadlineMs: 30_000 };
const log = createLog({ name: "test", level: "silent" });

let folder: string;
let scratch: TestDatabase;
let database: Database;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "topics-"));
  await writeFile(join(folder, "operator.yaml"), "stream: { kind: postgres }\n");
  scratch = await createTestDatabase();
  database = createDatabase({ log }, { connection: scratch.connectionString, applicationName: "test" });
});
afterAll(async () => {
  await database.close();
  await scratch.drop();
  await rm(folder, { recursive: true });
});

const topics = (...args: readonly string[]) =>
  runService("scripts/topics.ts", ["--config", join(folder, "operator.yaml"), ...args], {
    COUNTERSIGN_STREAM_URL: scratch.connectionString,
  });

test("without the schema it could not look; a role of a part that is none is refused; nothing is made by either", async () => {
  expect(await topics("--verify")).toMatchObject({ code: 2, err: expect.stringContaining("event_stream") });
  expect(await topics("--create", "--role", "gateway=x")).toMatchObject({ code: 2 });
  const { rows } = await database.query("select from pg_namespace where nspname = 'event_stream'");
  expect(rows).toEqual([]);
});

test("creates everything once, finds what was changed, and gives a role what its part needs and no more", async () => {
  const name = `pdp ${randomUUID()}`;
  try {
    const first = await topics("--create", "--role", `decision=${name}`);
    expect(first).toMatchObject({ code: 0, err: "" });
    expect(first.out.split("\n").filter((line) => line.startsWith("created "))).toHaveLength(4);
    expect((await topics("--create")).out).toBe("4 topics are as they have to be\n");
    await database.query(
      "update event_stream.topics set cleanup = 'delete', retention_ms = 1000 where cleanup = 'compact'",
    );
    const { code, out } = await topics("--verify");
    expect([code, out.split(" is ")[0]]).toEqual([1, `${TOPICS.state.name} cleanup.policy`]);

    const password = randomUUID();
    await database.query(`alter role ${pg.escapeIdentifier(name)} password ${pg.escapeLiteral(password)}`);
    const { host, port, database: of = "" } = new pg.Client(scratch.connectionString);
    const connection = { host, port, database: of, user: name, password };
    await using stream = createPostgresStream({ log, onFatal: () => {} }, { connection, applicationName: "pdp" });
    const publish = async (topic: string) =>
      (await stream.publish([{ topic, key: "k", value: Buffer.from("v") }], DEADLINE)).kind;
    expect(await publish(TOPICS.denials.name)).toBe("acked");
    expect(await publish(TOPICS.decisions.name)).toBe("acked");
    expect(await publish(TOPICS.state.name)).toBe("unknown");
    expect(await publish(TOPICS.audit.name)).toBe("unknown");
    expect((await stream.endOffsets(TOPICS.state.name, DEADLINE)).get(0)).toBe(0n);
    await expect(stream.endOffsets(TOPICS.audit.name, DEADLINE)).rejects.toThrow("may not see it");
  } finally {
    await database.query(`drop owned by ${pg.escapeIdentifier(name)}; drop role ${pg.escapeIdentifier(name)}`);
  }
});
