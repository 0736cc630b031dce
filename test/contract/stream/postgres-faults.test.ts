/**
 * What becomes of the event stream when its server is restarted, killed or frozen, or one of the server's processes is: publishing and reading
 * go on by themselves, nothing acknowledged is lost, and nothing that was given up arrives behind what was sent later.
 */
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../../../platform/postgres/embedded.ts";
import type { EventStream } from "../../../platform/stream/port.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { type PostgresStreams, startPostgresStreams } from "./postgres-streams.ts";
import { publishSurely, readAll, record, valuesOf } from "./stream-fixture.ts";

let folder: string;
let server: EmbeddedPostgres;
let streams: PostgresStreams;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "stream-postgres-"));
  await chmod(folder, 0o711); // as root the server runs as somebody else, who has to pass through
  server = await startEmbeddedPostgres({ dataDir: folder });
  streams = await startPostgresStreams(server.connectionString());
}, 60_000);
afterAll(async () => {
  await streams[Symbol.asyncDispose]();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

const answered = () => true;
const silent = () => false;

/** Also after a test that has killed one of its processes, which restarts all. */
beforeEach(async () => {
  await waitUntil("the server to answer", 60_000, () => streams.database.query("select").then(answered, silent));
}, 60_000);

async function restart(how: "stop" | "kill"): Promise<void> {
  if (how === "kill") process.kill(server.pid, "SIGKILL");
  await server.stop();
  server = await startEmbeddedPostgres({ dataDir: folder });
}

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) process.kill(pid, name);
}

function collect(stream: EventStream, topic: string, seen: string[]): void {
  stream.subscribe({
    topic,
    from: async () => 0n,
    async handle({ records }) {
      seen.push(...records.map(({ value }) => value?.toString() ?? ""));
      return "continue";
    },
  });
}

test("the server is restarted and killed under a publisher and a subscriber; both go on, and what was acknowledged is there, in order", async () => {
  const topic = await streams.newTopic({}, 2);
  await using writer = streams.open();
  await using reader = streams.open();
  const seen: string[] = [];
  collect(reader, topic, seen);
  const acked: string[] = [];
  let done = false;
  const writing = (async () => {
    for (let n = 0; !done; n += 1) {
      await publishSurely(writer, [record(topic, "k", String(n))]);
      acked.push(String(n));
    }
  })();
  for (const how of ["stop", "kill", "kill"] as const) {
    const before = acked.length;
    await waitUntil("ten more", 60_000, () => acked.length > before + 10);
    await restart(how);
    const after = acked.length;
    await waitUntil("ten more", 60_000, () => acked.length > after + 10);
  }
  done = true;
  await writing;
  const last = acked.at(-1) ?? "";
  await waitUntil("the last record", 60_000, () => seen.includes(last));
  const numbers = seen.map(Number);
  expect([...new Set(numbers)]).toEqual(acked.map(Number));
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
}, 120_000);

test("a server that is frozen costs a publisher no more than its deadline, and the watchdog does not take it for a standstill", async () => {
  const topic = await streams.newTopic();
  const fatal: Error[] = [];
  await using stream = streams.open({ stallMs: 1_500 }, (error) => fatal.push(error));
  const seen: string[] = [];
  collect(stream, topic, seen);
  await publishSurely(stream, [record(topic, "k", "0")]);
  await waitUntil("the first record", 60_000, () => seen.length === 1);
  const { rows } = await streams.database.query<{ pid: number }>("select pid from pg_stat_activity");
  const all = [server.pid, ...rows.map(({ pid }) => pid)];
  signal(all, "SIGSTOP");
  try {
    for (let n = 0; n < 4; n += 1) {
      const begun = performance.now();
      expect((await stream.publish([record(topic, "k", "frozen")], { deadlineMs: 1_000 })).kind).toBe("unknown");
      expect(performance.now() - begun).toBeLessThan(5_000); // of a statement it is 10 s
    }
    await expect(stream.endOffsets(topic, { deadlineMs: 500 })).rejects.toThrow("no answer");
  } finally {
    signal(all, "SIGCONT");
  }
  await publishSurely(stream, [record(topic, "k", "thawed")]);
  await waitUntil("the record after the thaw", 60_000, () => seen.at(-1) === "thawed");
  expect(fatal).toEqual([]);
}, 60_000);

test("what a frozen server process was given never arrives behind what was sent after it was given up", async () => {
  const topic = await streams.newTopic();
  await using stream = streams.open({ statementTimeoutMs: 300, applicationName: "fenced" });
  await publishSurely(stream, [record(topic, "k", "before")]);
  const former = await streams.backends("fenced stream publisher");
  signal(former, "SIGSTOP");
  try {
    // Given up by its caller, then the connection by the publisher; a new one may not publish while the old process lives.
    expect((await stream.publish([record(topic, "k", "first")], { deadlineMs: 500 })).kind).toBe("unknown");
    expect((await stream.publish([record(topic, "k", "first")], { deadlineMs: 9_000 })).kind).toBe("unknown");
    expect(await streams.standing(topic)).toEqual(["before"]);
  } finally {
    signal(former, "SIGCONT");
  }
  await publishSurely(stream, [record(topic, "k", "first")]);
  await publishSurely(stream, [record(topic, "k", "second")]);
  expect(await streams.backends("fenced stream publisher")).not.toEqual(former);
  const values = valuesOf(await readAll(stream, topic));
  expect([...new Set(values)]).toEqual(["before", "first", "second"]);
  expect(values.at(-1)).toBe("second");
}, 60_000);

test("a reader whose server process hears nothing gets a new connection from the watchdog and goes on where it was", async () => {
  const topic = await streams.newTopic();
  const fatal: Error[] = [];
  await using stream = streams.open({ stallMs: 3_000, applicationName: "stalled" }, (error) => fatal.push(error));
  const seen: string[] = [];
  collect(stream, topic, seen);
  await using writer = streams.open();
  await publishSurely(writer, [record(topic, "k", "0")]);
  await waitUntil("the first record", 60_000, () => seen.length === 1);
  await using witness = await streams.database.openSession("witness");
  const frozen = await streams.backends("stalled stream reader");
  signal(frozen, "SIGSTOP");
  try {
    await publishSurely(writer, [record(topic, "k", "1")]);
    await waitUntil("the second record", 60_000, () => seen.length === 2);
  } finally {
    signal(frozen, "SIGKILL"); // the server restarts its other processes, too
  }
  expect(seen).toEqual(["0", "1"]);
  expect(fatal).toEqual([]);
  // Twice, where the server ended between its commit and its answer.
  await publishSurely(writer, [record(topic, "k", "2")]);
  await waitUntil("the third record", 60_000, () => seen.at(-1) === "2");
  expect([...new Set(seen)]).toEqual(["0", "1", "2"]);
  await waitUntil("the server to have restarted its processes", 60_000, () => witness.lost.aborted);
}, 60_000);

test("a record that was committed by a server which ended before its answer is read, and once more when it is sent again", async () => {
  const topic = await streams.newTopic();
  await using stream = streams.open({ applicationName: "doubled" });
  const seen: string[] = [];
  collect(stream, topic, seen);
  await publishSurely(stream, [record(topic, "k", "0")]);
  // Whoever commits waits for a standby that there is not, after the commit is on disk.
  const waitFor = async (standby: string) => {
    await streams.database.query(`alter system set synchronous_standby_names = '${standby}'`);
    await streams.database.query("select pg_reload_conf()");
  };
  await waitFor("nobody");
  const isWaiting = async () => {
    const waits = "wait_event = 'SyncRep' and application_name = 'doubled stream publisher'";
    return (await streams.database.query(`select from pg_stat_activity where ${waits}`)).rowCount === 1;
  };
  const expected = ["0"];
  for (let n = 1; new Set(expected).size === expected.length; n += 1) {
    let kind: string | undefined;
    const published = stream.publish([record(topic, "k", String(n))], { deadlineMs: 30_000 }).then((outcome) => {
      kind = outcome.kind;
    });
    expected.push(String(n));
    await waitUntil("an acknowledgement, or a wait for the standby", 60_000, async () => kind ?? (await isWaiting()));
    if (kind === "acked") continue;
    signal(await streams.backends("doubled stream publisher"), "SIGKILL");
    await published;
    expect(kind).toBe("unknown");
    await waitUntil("the server to be back", 60_000, () => waitFor("").then(answered, silent));
    await publishSurely(stream, [record(topic, "k", String(n))]);
    expected.push(String(n));
  }
  await waitUntil("all of them, the last one twice", 60_000, () => seen.length >= expected.length);
  expect(seen).toEqual(expected);
}, 60_000);

test("a reader that has not got its partition asks on over a new connection when its server process hears nothing, and gets it", async () => {
  const topic = await streams.newTopic();
  await using stream = streams.open({ statementTimeoutMs: 300, applicationName: "standby" });
  let asked = 0;
  let isOurs = false;
  const seen: string[] = [];
  stream.subscribe({
    topic,
    async from() {
      asked += 1;
      return isOurs ? 0n : "skip";
    },
    async handle({ records }) {
      seen.push(...records.map(({ value }) => value?.toString() ?? ""));
      return "continue";
    },
  });
  await publishSurely(stream, [record(topic, "k", "0")]);
  await waitUntil("a first question", 60_000, () => asked > 1);
  const frozen = await streams.backends("standby stream reader");
  signal(frozen, "SIGSTOP");
  try {
    isOurs = true;
    await waitUntil("the record", 60_000, () => seen.length === 1);
  } finally {
    signal(frozen, "SIGCONT");
  }
}, 60_000);

test("a stream can be closed while the server processes of its readers hear nothing", async () => {
  const topic = await streams.newTopic();
  const stream = streams.open({ applicationName: "closed" });
  const seen: string[] = [];
  collect(stream, topic, seen);
  await publishSurely(stream, [record(topic, "k", "0")]);
  await waitUntil("the first record", 60_000, () => seen.length === 1);
  const frozen = await streams.backends("closed stream reader");
  signal(frozen, "SIGSTOP");
  try {
    const begun = performance.now();
    await stream.close();
    expect(performance.now() - begun).toBeLessThan(9_000); // of a statement it is 10 s
  } finally {
    signal(frozen, "SIGCONT");
  }
}, 60_000);
