/**
 * Hundreds of connections at the ports of both services as processes, by whoever reaches them and without a credential: silent ones, half heads, half
 * bodies, half calls. Whoever is honest is served meanwhile; afterwards the process holds neither sockets nor memory of them; and while they
 * are open it ends on SIGTERM in its time.
 */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { heldBytes } from "../harness/held-bytes.ts";
import { DRAIN_MS, type Running, startApproval, startDecision } from "./held-connections-fixture.ts";

const OF_A_KIND = 60;
/** What it may have opened for itself meanwhile: a file of its log, connections of its pools. */
const OWN_FILES = 10;
/** Beyond what a process holds of itself from one moment to the next. */
const SPARE_BYTES = 8 * 1024 * 1024;
/** Who waited for one that does not come to its end would wait for 10 s at least. */
const SERVED_MS = 8_000;

const owned = new AsyncDisposableStack();
let folder: string;
const sockets = new Set<Socket>();
let decision: Running;
let approval: Running;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "held-connections-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  [decision, approval] = [await startDecision(owned, folder), await startApproval(owned, folder)];
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await owned.disposeAsync();
});

/** All kinds at all ports of a process; answers how many of them are open. */
async function openAll({ ports }: Running): Promise<() => number> {
  const opened = ports.flatMap(({ port, sent }) =>
    sent.flatMap((bytes) =>
      Array.from({ length: OF_A_KIND }, () => {
        const socket = connect(port, "127.0.0.1").on("error", () => {});
        sockets.add(socket);
        socket.on("close", () => sockets.delete(socket)).resume();
        return new Promise<Socket>((resolve) =>
          socket.once("connect", () => socket.write(bytes, "latin1", () => resolve(socket))),
        );
      }),
    ),
  );
  const all = await Promise.all(opened);
  return () => all.filter((socket) => !socket.destroyed).length;
}

async function expectServed({ ports }: Running): Promise<void> {
  const begun = performance.now();
  expect(await Promise.all(ports.map(({ isServed }) => isServed()))).toEqual(ports.map(() => true));
  expect(performance.now() - begun).toBeLessThan(SERVED_MS);
}

const openFiles = async ({ program }: Running) => (await readdir(`/proc/${program.pid()}/fd`)).length;

/** Hangs up; resolves when the process has no more open than that, but for a few of its own. */
async function giveBack(one: Running, files: number): Promise<void> {
  for (const socket of sockets) socket.destroy();
  await waitUntil("the sockets to be given back", 20_000, async () => (await openFiles(one)) <= files + OWN_FILES);
}

describe.each([
  ["the decision service", () => decision],
  ["the approval service", () => approval],
])("%s", (_name, running) => {
  test("serves others, ends halves over HTTP/1.1 by itself, and holds nothing of any of them afterwards", async () => {
    const one = running();
    const files = await openFiles(one);
    // Once before it is measured: what is made at first is kept.
    await openAll(one);
    await expectServed(one);
    await giveBack(one, files);
    const bytes = await heldBytes(one.program);
    const left = await openAll(one);
    const all = left();
    expect(all).toBe(one.ports.reduce((sum, { sent }) => sum + sent.length * OF_A_KIND, 0));
    await expectServed(one);
    const overHttp1 = one.ports.filter(({ sent }) => sent.includes("POST ")).length * 3 * OF_A_KIND;
    await waitUntil("the halves over HTTP/1.1 to be ended", 20_000, () => left() <= all - overHttp1);
    await expectServed(one);
    await giveBack(one, files);
    await expectServed(one);
    expect((await heldBytes(one.program)) - bytes).toBeLessThan(SPARE_BYTES);
  });

  test("ends on SIGTERM within its time, however many are open", async () => {
    const one = running();
    const left = await openAll(one);
    await expectServed(one);
    const begun = performance.now();
    expect(await one.program.stop()).toBe(0);
    expect(performance.now() - begun).toBeLessThan(DRAIN_MS + SERVED_MS);
    await waitUntil("the end of all", 30_000, () => left() === 0);
  });
});
