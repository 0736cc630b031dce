/**
 * Hundreds of connections at the ports of both services as processes, by whoever reaches them and without a credential: silent ones, half heads, half
 * bodies, half calls. Whoever is honest is served meanwhile; afterwards the process holds neither sockets nor memory of them; and while they
 * are open it ends on SIGTERM in its time. One that keeps what it is sent is asked for its memory in the same way, and is found out.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { growthOver, heldBytes, KEEP_RECEIVED } from "../harness/held-bytes.ts";
import { watchOpen } from "../harness/watch-open.ts";
import { DRAIN_MS, type Running, startApproval, startDecision } from "./held-connections-fixture.ts";

const OF_A_KIND = 60;
/** What it may have opened for itself meanwhile: a file of its log, connections of its pools, timers. */
const OWN = 10;
const ROUNDS = { warmUp: 2, rounds: 5 };
/** For each connection; in the mean it is sent some 5,000. */
const MOST_KEPT_BYTES = 500;
/** Of a single time, beyond what a process holds of itself from one moment to the next; it is sent almost four times as much. */
const SPARE_BYTES = 1024 * 1024;
/** Who waited for one that does not come to its end would wait for 10 s at least. */
const SERVED_MS = 8_000;

const sockets = new Set<Socket>();

type Opened = { left(): number; hangUp(): Promise<void> };

const allOf = ({ ports }: Running) => ports.reduce((sum, { sent }) => sum + sent.length * OF_A_KIND, 0);

/** All kinds at all ports of a process: how many of them are left; hung up, nothing of them is open in the process or awaited by it. */
async function openAll({ program, ports }: Running): Promise<Opened> {
  const watch = await watchOpen(program.opsUrl, OWN);
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
  return {
    left: () => all.filter((socket) => !socket.destroyed).length,
    async hangUp() {
      for (const socket of all) socket.destroy();
      await watch.letGo();
    },
  };
}

async function expectServed({ ports }: Running): Promise<void> {
  const begun = performance.now();
  expect(await Promise.all(ports.map(({ isServed }) => isServed()))).toEqual(ports.map(() => true));
  expect(performance.now() - begun).toBeLessThan(SERVED_MS);
}

async function openAndHangUp(one: Running): Promise<void> {
  const { hangUp } = await openAll(one);
  await expectServed(one);
  await hangUp();
}

/** Bytes for each connection that hangs up. */
function growthOf(name: string, one: Running): Promise<number> {
  const calls = allOf(one);
  return growthOver(name, one.program, { ...ROUNDS, warmUp: ROUNDS.warmUp * calls, calls }, async (count) => {
    for (let left = count; left > 0; left -= calls) await openAndHangUp(one);
  });
}

/** How much more is held after the service itself ended those that it ends. */
async function keptOfEnded(one: Running): Promise<number> {
  // Once before it is measured: what is made at first is kept.
  await openAndHangUp(one);
  const before = await heldBytes(one.program);
  const { left, hangUp } = await openAll(one);
  const all = left();
  expect(all).toBe(allOf(one));
  await expectServed(one);
  const overHttp1 = one.ports.filter(({ sent }) => sent.includes("POST ")).length * 3 * OF_A_KIND;
  await waitUntil("the halves over HTTP/1.1 to be ended", 20_000, () => left() <= all - overHttp1);
  await expectServed(one);
  await hangUp();
  await expectServed(one);
  return (await heldBytes(one.program)) - before;
}

describe.each([
  ["the decision service", startDecision],
  ["the approval service", startApproval],
])("%s", (name, start) => {
  const owned = new AsyncDisposableStack();
  let sound: Running;
  let leaking: Running;

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), "held-connections-"));
    owned.defer(() => rm(folder, { recursive: true, force: true }));
    const within = async (part: string, preload: readonly string[]) => {
      await mkdir(join(folder, part));
      return start(owned, join(folder, part), preload);
    };
    [sound, leaking] = [await within("sound", []), await within("leaking", [KEEP_RECEIVED])];
  });
  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    await owned.disposeAsync();
  });

  test("serves others, and holds nothing of any that hang up, again and again", async () => {
    expect(await growthOf(`${name}, sound`, sound)).toBeLessThan(MOST_KEPT_BYTES);
    expect(await growthOf(`${name}, leaking`, leaking)).toBeGreaterThan(MOST_KEPT_BYTES);
  }, 120_000);

  test("serves others, ends halves over HTTP/1.1 by itself, and holds nothing of them afterwards", async () => {
    const [kept, leaked] = await Promise.all([keptOfEnded(sound), keptOfEnded(leaking)]);
    expect(kept).toBeLessThan(SPARE_BYTES);
    expect(leaked).toBeGreaterThan(SPARE_BYTES);
  }, 120_000);

  test("ends on SIGTERM within its time, however many are open", async () => {
    const { left } = await openAll(sound);
    await expectServed(sound);
    const begun = performance.now();
    expect(await sound.program.stop()).toBe(0);
    expect(performance.now() - begun).toBeLessThan(DRAIN_MS + SERVED_MS);
    await waitUntil("the end of all", 30_000, () => left() === 0);
  });
});
