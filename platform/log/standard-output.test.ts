/** In a process of its own: what is written when it ends is what is asked about. */
import { spawn, spawnSync, type StdioOptions } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { expect, test } from "@jest/globals";

const at = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
const LOG = at("./log.ts");

/** What the process wrote, the messages in their order. */
function said(program: string): readonly unknown[] {
  const text = `import { createLog } from ${LOG}; const log = createLog({ name: "test" }); ${program}`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module-typescript", "-e", text], {
    encoding: "utf8",
  });
  expect(stderr).not.toMatch(/Error/);
  return stdout
    .trim()
    .split("\n")
    .map((line) => {
      const record: unknown = JSON.parse(line);
      return typeof record === "object" && record !== null && "msg" in record ? record.msg : record;
    });
}

test.each([
  ["ends by itself", ""],
  ["ends itself", "process.exit(3);"],
  [
    "ends with an error that nobody catches",
    'process.on("uncaughtException", () => process.exit(1)); throw new Error("x");',
  ],
  ["waits for what never comes", "await new Promise(() => {});"],
])("nothing is lost, and the order kept, when the process %s in the turn that wrote", (_name, end) => {
  const lines = 'log.info("first"); for (let n = 0; n < 500; n += 1) log.info("one of many"); log.info("last");';
  const written = said(`${lines} ${end}`);
  expect(written).toHaveLength(502);
  expect([written[0], written.at(-1)]).toEqual(["first", "last"]);
});

test("a log that has nothing left to write listens to nothing: a process may have many, one after the other", () => {
  const many = `for (let n = 0; n < 20; n += 1) {
    const one = createLog({ name: "one of many" });
    one.info("written");
    await new Promise((resolve) => one.flush(resolve));
  }
  log.info(String(process.listenerCount("exit")));`;
  expect(said(many).at(-1)).toBe("0");
});

test("a warning, and what came before it, is written though the turn that wrote it never ends", async () => {
  const text = `import { createLog } from ${LOG}; const log = createLog({ name: "test" });
    log.info("before"); log.warn("then"); for (;;);`;
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", text]);
  try {
    const signal = AbortSignal.timeout(50_000);
    let said = "";
    while (!said.includes("then")) said += String((await once(child.stdout, "data", { signal }))[0]);
    expect(said).toMatch(/before.*\n.*then/);
  } finally {
    child.kill("SIGKILL");
  }
});

/** Cannot start, for a reason that it has just logged, while every thread that writes for it is busy with something else. */
const REFUSED = `
  import { pbkdf2 } from "node:crypto";
  const { createLog } = await import(${LOG});
  const { run } = await import(${at("../lifecycle/lifecycle.ts")});
  const { CannotStart } = await import(${at("../lifecycle/cannot-start.ts")});
  const log = createLog({ name: "test" });
  const options = { drainDeadlineMs: 10_000, source: process };
  process.exit(await run({ log }, options, async () => {
    for (let thread = 0; thread < 4; thread += 1) pbkdf2("a", "b", 100_000, 32, "sha256", () => {});
    log.info({ event: "began" });
    await new Promise(setImmediate);
    log.warn({ event: "what_led_to_it" });
    throw new CannotStart("a.b: is wrong");
  }));`;

function refusedStart(stdout: number | "pipe") {
  const stdio: StdioOptions = ["ignore", stdout, "pipe"];
  const env = { PATH: process.env["PATH"], UV_THREADPOOL_SIZE: "4" };
  const options = { encoding: "utf8", stdio, env, timeout: 50_000, killSignal: "SIGKILL" } as const;
  return spawnSync(process.execPath, ["--input-type=module", "--eval", REFUSED], options);
}

test("the reason of a refused start is never written before what led to it, also where a thread to write comes late", () => {
  const { status, stdout } = refusedStart("pipe");
  const events = [...stdout.matchAll(/"event":"(\w+)"/g)].map(([, event]) => event);
  expect({ status, events }).toEqual({ status: 78, events: ["began", "what_led_to_it", "cannot_start"] });
});

test("a process whose log is on a full disk ends all the same, with its code", () => {
  const { status, signal } = refusedStart(openSync("/dev/full", "w"));
  expect({ status, signal }).toEqual({ status: 78, signal: null });
});

/** Logs in fifty turns of the event loop, more than a pipe takes, and says on the other stream when it is through. */
const FIFTY_TURNS = `
  const { createLog } = await import(${LOG});
  const log = createLog({ name: "test" });
  for (let turn = 0; turn < 50; turn += 1) {
    for (let line = 0; line < 20; line += 1) log.info({ event: "turn", turn, text: "x".repeat(1_000) });
    log.warn({ event: "warned", turn });
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  process.stderr.write("through");`;

test.each(["does not read", "is gone"])("a log whose reader %s holds up nobody who logs", async (what) => {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", FIFTY_TURNS], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  try {
    if (what === "is gone") child.stdout.destroy();
    const [said] = await once(child.stderr, "data", { signal: AbortSignal.timeout(50_000) });
    expect(String(said)).toContain("through");
    if (what === "is gone") return;
    // And who reads at last gets all of it, in its order.
    let text = "";
    for await (const chunk of child.stdout) text += String(chunk);
    const turns = [...text.matchAll(/"turn":(\d+)/g)].map(([, turn]) => Number(turn));
    expect(turns).toHaveLength(50 * 21);
    expect(turns).toEqual(turns.toSorted((a, b) => a - b));
  } finally {
    child.kill("SIGKILL");
  }
});

test("a process whose log reader has stopped reading ends all the same, soon after its drain", async () => {
  const program = `${FIFTY_TURNS}
    const { run } = await import(${at("../lifecycle/lifecycle.ts")});
    const options = { drainDeadlineMs: 5_000, source: process };
    process.exit(await run({ log }, options, async (lifecycle) => lifecycle.stop()));`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  try {
    const [said] = await once(child.stderr, "data", { signal: AbortSignal.timeout(50_000) });
    expect(String(said)).toContain("through");
    // Nothing else ends it: an exit waits for the thread that writes.
    expect(await once(child, "exit", { signal: AbortSignal.timeout(40_000) })).toEqual([null, "SIGKILL"]);
  } finally {
    child.kill("SIGKILL");
  }
});

test("lines of processes that share a pipe stand alone, also when it was full", async () => {
  const node = '"$NODE" --input-type=module --eval "$PROGRAM"';
  const child = spawn("sh", ["-c", `{ ${node} & ${node} & wait; } | cat`], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"], NODE: process.execPath, PROGRAM: FIFTY_TURNS },
  });
  try {
    const signal = AbortSignal.timeout(50_000);
    for (let said = ""; said !== "throughthrough"; ) said += String((await once(child.stderr, "data", { signal }))[0]);
    let text = "";
    for await (const chunk of child.stdout) text += String(chunk);
    const turns = text
      .trimEnd()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
    expect(turns).toHaveLength(2 * 50 * 21);
  } finally {
    child.kill("SIGKILL");
  }
});
