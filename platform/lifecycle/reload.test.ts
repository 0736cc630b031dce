import { EventEmitter } from "node:events";
import { expect, test } from "@jest/globals";
import { createLog } from "../log/log.ts";
import { createMetrics } from "../metrics/metrics.ts";
import { CannotStart } from "./cannot-start.ts";
import { createReload, type ReadAgain, ReloadRefused } from "./reload.ts";

type Config = { readonly level: string; readonly tls: { readonly cert: string }; readonly list: readonly string[] };

const FIRST: Config = { level: "info", tls: { cert: "a" }, list: [] };

function set(read: ReadAgain<Config>, wasHungUp = false) {
  const lines: { readonly [name: string]: unknown }[] = [];
  const source = new EventEmitter();
  const metrics = createMetrics({ prefix: "t_" });
  const log = createLog({
    name: "test",
    level: "info",
    destination: { write: (line) => void lines.push(JSON.parse(line)) },
  });
  const reload = createReload({ log, metrics, source, wasHungUp: () => wasHungUp, read }, FIRST);
  const events = () => lines.map(({ event, part, why, keys }) => ({ event, part, why, keys }));
  return { reload, source, metrics, events, hangUp: () => void source.emit("SIGHUP") };
}

const loaded = (config: Config) => ({ kind: "run", config }) as const;
/** All promises that can settle have. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("a configuration that is refused changes nothing, and it is said until one is taken", async () => {
  let answer: Awaited<ReturnType<ReadAgain<Config>>> = { kind: "exit", text: "level: is missing; set it" };
  const { reload, hangUp, events, metrics } = set(async () => answer);
  const taken: string[] = [];
  reload.part("tls", ["tls"], ({ tls }) => void taken.push(tls.cert));
  reload.begin();
  hangUp();
  await settled();
  expect(taken).toEqual([]);
  expect(events()).toEqual([
    { event: "reload_refused", part: "configuration", why: "level: is missing; set it", keys: undefined },
  ]);
  expect(reload.health()).toMatchObject({ status: "degraded", detail: expect.stringContaining("configuration") });
  expect((await metrics.expose()).text).toContain('t_reload_refused{part="configuration"} 1');
  answer = loaded({ ...FIRST, tls: { cert: "b" } });
  hangUp();
  await settled();
  expect([taken, reload.health()]).toEqual([["b"], { status: "ok" }]);
  expect((await metrics.expose()).text).toContain('t_reload_refused{part="configuration"} 0');
});

test("a part that is refused holds up no other one, and its reason shows no text of an error that may quote a file", async () => {
  const { reload, hangUp, events, metrics } = set(async () => loaded(FIRST));
  const taken: string[] = [];
  reload.part("one", [], () => {
    throw new Error("-----BEGIN PRIVATE KEY----- secret");
  });
  reload.part("two", [], async () => Promise.reject(new ReloadRefused("the bundle is refused")));
  reload.part("file", [], async () => Promise.reject(new CannotStart("bundle.caPath: ca.pem: there is no such file")));
  reload.part("three", [], () => void taken.push("three"));
  reload.begin();
  hangUp();
  await settled();
  expect(taken).toEqual(["three"]);
  expect(events().map(({ event, part, why }) => [event, part, why])).toEqual([
    ["reloaded", "configuration", undefined],
    ["reload_refused", "one", "it cannot be used"],
    ["reload_refused", "two", "the bundle is refused"],
    ["reload_refused", "file", "bundle.caPath: ca.pem: there is no such file"],
    ["reloaded", "three", undefined],
  ]);
  expect(reload.health()).toMatchObject({ status: "degraded", detail: expect.stringMatching(/: one, two, file$/) });
  expect((await metrics.expose()).text).toContain('t_reloads_total{part="two",outcome="refused"} 1');
});

test("what changed and nobody takes is named, and needs a restart", async () => {
  const { reload, hangUp, events } = set(async () => loaded({ level: "warn", tls: { cert: "b" }, list: ["x"] }));
  reload.part("tls", ["tls"], () => {});
  reload.begin();
  hangUp();
  await settled();
  expect(events().at(-1)).toMatchObject({ event: "reload_needs_restart", keys: ["level", "list"] });
});

test("signals that come during a reload are one more reload, after it", async () => {
  let reads = 0;
  let atOnce = 0;
  const held = Promise.withResolvers<void>();
  const { reload, hangUp } = set(async () => {
    reads += 1;
    return loaded(FIRST);
  });
  reload.part("slow", [], async () => {
    atOnce += 1;
    expect(atOnce).toBe(1);
    await held.promise;
    atOnce -= 1;
  });
  reload.begin();
  for (let n = 0; n < 5; n += 1) hangUp();
  await settled();
  expect(reads).toBe(1);
  held.resolve();
  await settled();
  expect(reads).toBe(2);
});

test.each([
  ["came before the start was through is one reload, of every part that is there by then", true],
  ["did not come is none", false],
])("a signal that %s", async (_what, wasHungUp) => {
  const { reload, events } = set(async () => loaded(FIRST), wasHungUp);
  reload.part("early", [], () => {});
  await settled();
  expect(events()).toEqual([]);
  reload.part("late", [], () => {});
  reload.begin();
  await settled();
  expect(events().map(({ part }) => part)).toEqual(wasHungUp ? ["configuration", "early", "late"] : []);
});

test("once disposed of it listens no more", () => {
  const { reload, source } = set(async () => loaded(FIRST));
  reload.begin();
  expect(source.listenerCount("SIGHUP")).toBe(1);
  reload[Symbol.dispose]();
  expect(source.listenerCount("SIGHUP")).toBe(0);
});
