/**
 * `kill -9` of every process of `npm start` at once, PostgreSQL's too, while people ask, approve and use. After each the next start has all that
 * was acknowledged, in the audit record and in the counts, no use is counted that nobody tried, and `verify` finds no gap and no fork.
 */
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { TOPICS } from "../../core/messages/topics.ts";
import { createLog } from "../../platform/log/log.ts";
import { connectionString, embeddedAddress } from "../../platform/postgres/embedded.ts";
import { type Call, textAt } from "../../platform/programs/client.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { createPostgresStream } from "../../platform/stream/postgres.ts";
import { listAt, members } from "../../sample/story/see.ts";
import { runVerify } from "../../sample/story/verify.ts";
import { kindOf } from "../fault/audit-record.ts";
import { say } from "../fault/say.ts";
import { as, type Started, startAsPerson } from "../harness/npm-start.ts";
import { processesWith, withDescendants } from "../harness/processes-with.ts";
import { recordsIn } from "../harness/system/topics.ts";
import { acknowledgedUses, emptyLedger, type Ledger, workUntilKilled } from "./work-under-kill.ts";

const ROUNDS = 3;
const HANDS = 4;
/** Of a round, before the kill: enough that every kind of work is under way. */
const USES_BEFORE = 8;
const ARRIVAL_MS = 60_000;
/** One account may not ask oftener. */
const LOOK_EVERY_MS = 2_000;

let folder: string;
let data: string;
let set: Started | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "npm-start-"));
  data = join(folder, "data");
  await chmod(folder, 0o711); // as root PostgreSQL runs as somebody else, who has to pass
});
afterAll(async () => {
  set?.child.kill("SIGINT");
  await set?.ended;
  await rm(folder, { recursive: true, force: true });
}, 60_000);

async function start(): Promise<Started> {
  set = startAsPerson({ cwd: folder, env: { COUNTERSIGN_DATA: data } });
  await set.ready();
  return set;
}

/** The programs, PostgreSQL with its sessions, and who started them. How many those were. */
async function killAll({ child, ended }: Started): Promise<number> {
  const all = await withDescendants([child.pid ?? Number.NaN, ...(await processesWith(folder))]);
  for (const pid of all) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {} // ended since
  }
  await ended;
  return all.size;
}

/** Everything that `GET /v1/audit` has, page by page. */
async function auditEvents(sam: Call): Promise<readonly unknown[]> {
  const events: unknown[] = [];
  for (let after = "0"; ; ) {
    const { body } = await sam("GET", `/v1/audit?limit=200&after=${after}`);
    const items = listAt(body, "items");
    if (items.length === 0) return events;
    events.push(...items.map((item) => members(item, "event")["event"]));
    after = textAt(body, "next");
  }
}

/** How often the record has each event of each request or grant. */
async function recorded(sam: Call): Promise<ReadonlyMap<string, number>> {
  const counted = new Map<string, number>();
  for (const event of await auditEvents(sam)) {
    const kind = kindOf(event);
    const about = members(members(event, "data")["data"], "grant_id", "request_id");
    const what = `${kind} ${String(about[kind.startsWith("grant.") ? "grant_id" : "request_id"])}`;
    counted.set(what, (counted.get(what) ?? 0) + 1);
  }
  return counted;
}

const expectedOf = (ledger: Ledger) =>
  [...ledger.events].flatMap(([id, types]) => [...types].map((type) => `${type} ${id}`));

/** What of the ledger is not as it was acknowledged, and does not become so: events are sealed and arrive within a moment. */
async function faults(running: Started, ledger: Ledger): Promise<readonly string[]> {
  const sam = (await as("sam", running)).approvals;
  const dana = (await as("dana", running)).approvals;
  let found: readonly string[] = ["the record was never looked at"];
  const isRight = async () => {
    found = await faultsNow(sam, dana, ledger);
    return found.length === 0;
  };
  await waitUntil("the record", ARRIVAL_MS, isRight, { everyMs: LOOK_EVERY_MS }).catch(() => {}); // said by name
  return [...found, ...(await lostDenials(dana, ledger))];
}

async function faultsNow(sam: Call, dana: Call, ledger: Ledger): Promise<readonly string[]> {
  const record = await recorded(sam);
  const found = expectedOf(ledger)
    .filter((what) => record.get(what) !== 1)
    .map((what) => `${what}: ${record.get(what) ?? 0} times on record`);
  for (const [grant, { acknowledged, tried }] of ledger.uses) {
    const { uses } = members((await dana("GET", `/v1/grants/${grant}`)).body, "uses");
    const told = record.get(`grant.used ${grant}`) ?? 0;
    const isRight = typeof uses === "number" && uses === told && acknowledged <= uses && uses <= tried;
    if (!isRight) found.push(`${grant}: ${acknowledged} to ${tried} uses, ${String(uses)} counted, ${told} on record`);
  }
  return found;
}

async function lostDenials(dana: Call, ledger: Ledger): Promise<readonly string[]> {
  const found: string[] = [];
  for (const denial of ledger.denials) {
    const body = { denial_id: denial, justification: "asked before everything was killed" };
    const answer = await waitUntil(
      "the denial",
      ARRIVAL_MS,
      async () => {
        const one = await dana("POST", "/v1/requests", { body });
        return [404, 429, 503].includes(one.status) ? undefined : one;
      },
      { everyMs: 500 },
    ).catch(() => undefined);
    // 200: it had been asked about, and only the answer was lost.
    if (answer?.status !== 201 && answer?.status !== 200) found.push(`denial ${denial}: ${answer?.status}`);
    ledger.denials.delete(denial);
  }
  return found;
}

/** Ids of all decisions on the audit topic, and what `verify` says of it. */
async function auditTopic(): Promise<{ readonly decisions: ReadonlySet<string>; readonly connection: string }> {
  const place = (await readFile(join(data, "postgres-location"), "utf8")).trim();
  const connection = connectionString(await embeddedAddress(place));
  const log = createLog({ name: "test", level: "silent" });
  await using stream = createPostgresStream(
    { log, onFatal: () => {} },
    { connection, applicationName: "test", cleanEveryMs: null },
  );
  const events = (await recordsIn(stream, TOPICS.audit.name)).map(({ value }): unknown => JSON.parse(String(value)));
  const decisions = events.filter((event) => kindOf(event) === "decision");
  return { connection, decisions: new Set(decisions.map((event) => textAt(event, "id"))) };
}

describe("npm start", () => {
  test(`kill -9 of every process at once while people work, ${ROUNDS} times: nothing acknowledged is lost, doubled or made up, and the record is whole`, async () => {
    const ledger = emptyLedger();
    for (let round = 0; round < ROUNDS; round += 1) {
      const running = await start();
      let isKilled = false;
      const before = acknowledgedUses(ledger);
      const work = workUntilKilled(running, ledger, { hands: HANDS, name: `k${round}`, isKilled: () => isKilled });
      work.catch(() => {}); // awaited below
      await Promise.race([
        work,
        waitUntil(
          "people to have used what they were granted",
          180_000,
          () => acknowledgedUses(ledger) >= before + USES_BEFORE,
        ),
      ]);
      isKilled = true;
      const killed = await killAll(running);
      await work;
      const open = [...ledger.uses.values()].filter(({ acknowledged, tried }) => acknowledged < tried).length;
      say(
        `npm start, round ${round + 1}: ${killed} processes killed; acknowledged so far ${expectedOf(ledger).length} events, ` +
          `${acknowledgedUses(ledger)} uses, ${ledger.decisions.size} decisions; ${ledger.denials.size} denials to ask about, ${open} uses unanswered`,
      );
      // Who is killed is there for a moment more, and so is a session that PostgreSQL was just making.
      await waitUntil("everybody to be gone", ARRIVAL_MS, async () => (await processesWith(folder)).length === 0);

      const next = await start();
      expect(await faults(next, ledger)).toEqual([]);
      await waitUntil("answered decisions to be on the audit topic", ARRIVAL_MS, async () => {
        const { decisions } = await auditTopic();
        return [...ledger.decisions].every((id) => decisions.has(id));
      });
      const { connection } = await auditTopic();
      await writeFile(join(folder, "stream-url"), connection, { mode: 0o600 });
      const verified = await runVerify(["--stream-url-file", join(folder, "stream-url"), "--from-zero"]);
      expect(verified).toEqual({ exitCode: 0, text: expect.stringMatching(/^approval: (whole|tail unknown)/m) });
      expect(verified.text).not.toContain("broken");
      next.child.kill("SIGINT");
      expect(await next.ended).toBe(0);
    }
  }, 300_000);
});
