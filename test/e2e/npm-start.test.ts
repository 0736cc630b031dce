/**
 * `npm start` as a person uses it: a process in a folder of its own, its words on a terminal, Ctrl-C, and the accidents. After
 * every end, kind or not, the next start works, and nothing that was acknowledged is lost.
 */
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { listeningSockets } from "../harness/listening-sockets.ts";
import { as, type Started, startAsPerson } from "../harness/npm-start.ts";
import { processesWith } from "../harness/processes-with.ts";
import { textAt } from "../../platform/programs/client.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { ARRIVAL_MS, answerOf, passes } from "../../sample/story/ask.ts";
import { eventually, members, POLITE_MS } from "../../sample/story/see.ts";

let folder: string;
const running = new Set<Started>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "npm-start-"));
  await chmod(folder, 0o711); // as root PostgreSQL runs as somebody else, who has to pass
});
// What a test that failed left running has the folder, and the next one could not start.
afterEach(async () => {
  for (const { child } of running) child.kill("SIGINT");
  await Promise.all([...running].map(({ ended }) => ended));
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

function start({ byNpm = false } = {}): Started {
  const one = startAsPerson({ cwd: folder, env: { COUNTERSIGN_DATA: join(folder, "data") }, byNpm });
  running.add(one);
  void one.ended.then(() => running.delete(one));
  return one;
}

/** dana is granted five uses for an order; the grant's id. */
async function grant(set: Started, order: string): Promise<string> {
  const dana = await as("dana", set);
  const denied = await answerOf(() => dana.proxy("DELETE", `/orders/${order}`));
  const body = {
    ...{ denial_id: textAt(denied.body, "denial_id"), justification: "the customer cancelled it" },
    requested: { max_uses: 5 },
  };
  const ask = () => dana.approvals("POST", "/v1/requests", { body });
  const { answer: asked } = await eventually("the denial to arrive", ARRIVAL_MS, ask, ({ status }) => status !== 404, {
    everyMs: POLITE_MS,
  });
  const review = { vote: "approve", digest: textAt(asked.body, "request", "digest") };
  const path = `/v1/requests/${textAt(asked.body, "request", "id")}/reviews`;
  return textAt((await (await as("max", set)).approvals("POST", path, { body: review })).body, "grant", "id");
}

/** Process ids of everything that works in our data folder, and has this word in its command line. */
const everyProcess = (word = "") => processesWith(folder, word);

async function processOf(word: string): Promise<number> {
  const [one, ...more] = await everyProcess(word);
  if (one === undefined || more.length > 0) throw new Error(`not one process with ${word}`);
  return one;
}

/** The process that all others of PostgreSQL come from. */
async function postmaster(): Promise<number> {
  const place = (await readFile(join(folder, "data", "postgres-location"), "utf8")).trim();
  return Number((await readFile(join(place, "cluster", "postmaster.pid"), "utf8")).split("\n", 1)[0]);
}

describe("npm start", () => {
  test("comes up beside a taken port, says so, and refuses a second one in the same folder", async () => {
    await using squatter = createServer().listen(9200, "127.0.0.1");
    // Where it is somebody else's already, that one is the squatter.
    await once(squatter, "listening").catch((error: unknown) => expect(error).toMatchObject({ code: "EADDRINUSE" }));
    const set = start();
    await set.ready();
    expect(set.said()).toMatch(/approvals is on port \d+, since 9200 is taken/);
    expect(set.said()).not.toContain("\x1b"); // colours are for a terminal
    const dana = await as("dana", set);
    expect((await answerOf(() => dana.proxy("GET", "/orders/42"))).status).toBe(200);
    await waitUntil("a line for the decision", 30_000, () => /allow +GET \/orders\/42 +dana/.test(set.said()));

    const second = start();
    expect(await second.ended).not.toBe(0);
    expect(second.said()).toContain("in use by another process");

    set.child.kill("SIGINT");
    expect(await set.ended).toBe(0);
    expect(await everyProcess()).toEqual([]);
  }, 180_000);

  test("everything listens on loopback only", async () => {
    // One that does not would be seen.
    await using open = createServer().listen();
    await once(open, "listening");
    const isNoLoopback = ({ isLoopback }: { readonly isLoopback: boolean }) => !isLoopback;
    expect((await listeningSockets([process.pid])).some(isNoLoopback)).toBe(true);

    const set = start();
    await set.ready();
    const sockets = await listeningSockets([set.child.pid ?? 0, ...(await everyProcess())]);
    expect(sockets.filter(isNoLoopback)).toEqual([]);
    // The ones that it names are among them, so that it was looked in the right place.
    const named = ["proxy", "approvals", "tokens"].map((word) => Number(new URL(set.address(word)).port));
    expect(sockets.map(({ port }) => port)).toEqual(expect.arrayContaining(named));
    expect(new Set(sockets.map(({ pid }) => pid)).size).toBeGreaterThanOrEqual(5); // five programs, none of them passed over
    set.child.kill("SIGINT");
    expect(await set.ended).toBe(0);
  }, 120_000);

  test("kill -9 of npm alone, and of what npm runs, leaves no process behind, PostgreSQL neither; the next start has all that was acknowledged", async () => {
    const set = start({ byNpm: true });
    await set.ready();
    const grantId = await grant(set, "7");
    expect(await everyProcess("postgres")).not.toEqual([]);
    const gone = () =>
      waitUntil("every process to end", 30_000, async () => (await everyProcess()).length === 0, { everyMs: 100 });
    set.child.kill("SIGKILL");
    await gone();

    const next = start();
    await next.ready();
    expect(next.said()).not.toContain("(was running)");
    next.child.kill("SIGKILL");
    await gone();

    const last = start();
    await last.ready();
    const kept = await (await as("dana", last)).approvals("GET", `/v1/grants/${grantId}`);
    expect(kept).toMatchObject({ status: 200, body: { state: "active", uses: 0 } });
    last.child.kill("SIGINT");
    expect(await last.ended).toBe(0);
    expect(await everyProcess()).toEqual([]);
  }, 240_000);

  test("a service that is killed is started again, and so is the database; when this process is killed all programs end, and a database that was left running is taken over by the next start", async () => {
    const set = start();
    await set.ready();
    const grantId = await grant(set, "42");
    const before = await everyProcess();
    const decision = await processOf("services/decision/main.ts");
    process.kill(decision, "SIGKILL");
    await waitUntil("the decision service to be started again", 30_000, async () => {
      return (await (await as("dana", set)).proxy("GET", "/orders/42")).status === 200;
    });
    expect(await processOf("services/decision/main.ts")).not.toBe(decision);

    process.kill(await postmaster(), "SIGKILL");
    await waitUntil("the database to be started again, and say so", 30_000, () => /✓ database +again/.test(set.said()));
    expect(set.said()).toMatch(/✗ database ended; see .*postgres\.log/);
    const still = await waitUntil("the grant to be known as ever", 30_000, async () => {
      const answer = await (await as("dana", set)).approvals("GET", `/v1/grants/${grantId}`);
      return answer.status === 200 && answer;
    });
    expect(still.body).toMatchObject({ state: "active", uses: 0 });

    process.kill(await processOf("pg_ctl"), "SIGKILL"); // who would end the database
    set.child.kill("SIGKILL");
    await set.ended;
    await waitUntil("the programs to end", 30_000, async () => {
      const left = await everyProcess();
      return left.length < before.length && !(await isAnswering(set.address("proxy")));
    });

    const next = start();
    await next.ready();
    expect(next.said()).toContain("(was running)");
    const kept = await (await as("dana", next)).approvals("GET", `/v1/grants/${grantId}`);
    expect(kept).toMatchObject({ status: 200, body: { state: "active", uses: 0, max_uses: 5 } });

    // Everything at once, the database too: what was acknowledged is on disk.
    const { proxy } = await as("dana", next);
    let unanswered = 0; // of a use that was counted, perhaps, and was too late on a busy machine
    const remove = async () => {
      const answer = await proxy("DELETE", "/orders/42");
      if (JSON.stringify(answer.body).includes("redemption_unknown")) unanswered += 1;
      return answer;
    };
    const { answer: another } = await eventually("a use", ARRIVAL_MS, remove, passes, { everyMs: POLITE_MS });
    expect(another.status).toBe(200);
    for (const one of await everyProcess()) process.kill(one, "SIGKILL");
    next.child.kill("SIGKILL");
    await next.ended;

    const last = start();
    await last.ready();
    const dana = await as("dana", last);
    const after = await dana.approvals("GET", `/v1/grants/${grantId}`);
    expect(after).toMatchObject({ status: 200, body: { state: "active", max_uses: 5 } });
    const { uses } = members(after.body, "uses");
    expect(Array.from({ length: unanswered + 1 }, (_, more) => 1 + more)).toContain(uses);
    last.child.kill("SIGINT");
    expect(await last.ended).toBe(0);
  }, 300_000);
});

async function isAnswering(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(5_000) }).then(
    () => true,
    () => false,
  );
}
