import { spawnSync } from "node:child_process";
import { EventEmitter } from "node:events";
import { describe, expect, test } from "@jest/globals";
import { createLog } from "../log/log.ts";
import { run } from "./lifecycle.ts";

const log = createLog({ name: "test", level: "silent" });

/** A stand-in for `process` as a source of signals; the real one would end jest. */
function signals() {
  const source = new EventEmitter();
  return {
    source,
    emit: (name: string, argument: unknown) => source.emit(name, argument),
    listeners: () => source.eventNames().length,
  };
}

function owner(name: string, into: string[]): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      into.push(name);
    },
  };
}

describe("the end of a process", () => {
  test("a start that fails ends with code 1 and disposes of what was there", async () => {
    const { source, listeners } = signals();
    const closed: string[] = [];
    const code = await run({ log }, { drainDeadlineMs: 30_000, source }, async (lifecycle) => {
      lifecycle.own(owner("pool", closed));
      throw new Error("no port");
    });
    expect([code, closed, listeners()]).toEqual([1, ["pool"], 0]);
  });

  test("an uncaught error and an unhandled rejection end with code 1, even one without a reason", async () => {
    for (const name of ["uncaughtException", "unhandledRejection"]) {
      const { source, emit } = signals();
      const code = await run({ log }, { drainDeadlineMs: 30_000, source }, async () => {
        emit(name, undefined);
      });
      expect(code).toBe(1);
    }
  });

  test("a drain that hangs is cut off at its deadline, with code 1", async () => {
    const { source, emit } = signals();
    const code = await run({ log }, { drainDeadlineMs: 20, source }, async (lifecycle) => {
      lifecycle.own({ [Symbol.asyncDispose]: () => new Promise<void>(() => {}) });
      emit("SIGTERM", "SIGTERM");
    });
    expect(code).toBe(1);
  });

  test("a drain that hangs while nothing else keeps the process alive is cut off and said too, and not the end without a word", async () => {
    const program = `
      const { run } = await import(${JSON.stringify(new URL("./lifecycle.ts", import.meta.url).href)});
      const { createLog } = await import(${JSON.stringify(new URL("../log/log.ts", import.meta.url).href)});
      const hanging = { [Symbol.asyncDispose]: () => new Promise(() => {}) };
      const options = { drainDeadlineMs: 50, source: process };
      process.exit(await run({ log: createLog({ name: "test", level: "error" }) }, options, async (lifecycle) => {
        lifecycle.own(hanging);
        lifecycle.stop();
      }));`;
    const { status, stdout } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
      encoding: "utf8",
    });
    expect({ status, said: stdout }).toEqual({ status: 1, said: expect.stringContaining("drain_incomplete") });
  });

  test("a second signal ends a drain that hangs at once", async () => {
    const { source, emit } = signals();
    const code = await run({ log }, { drainDeadlineMs: 600_000, source }, async (lifecycle) => {
      lifecycle.own({ [Symbol.asyncDispose]: () => new Promise<void>(() => {}) });
      emit("SIGTERM", "SIGTERM");
      emit("SIGTERM", "SIGTERM");
    });
    expect(code).toBe(1);
  });

  test("SIGTERM aborts the signal first, then disposes in reverse order, and ends with code 0", async () => {
    const { source, emit, listeners } = signals();
    const seen: string[] = [];
    const code = await run({ log }, { drainDeadlineMs: 30_000, source }, async (lifecycle) => {
      lifecycle.own(owner("pool", seen));
      lifecycle.own(owner("server", seen));
      lifecycle.signal.addEventListener("abort", () => seen.push("signal"));
      emit("SIGTERM", "SIGTERM");
    });
    expect([code, seen, listeners()]).toEqual([0, ["signal", "server", "pool"], 0]);
  });

  test("what has to be said beforehand is said, and waited for, before anything is aborted or closed", async () => {
    const { source, emit } = signals();
    const seen: string[] = [];
    const code = await run({ log }, { drainDeadlineMs: 30_000, source }, async (lifecycle) => {
      lifecycle.own(owner("server", seen));
      lifecycle.signal.addEventListener("abort", () => seen.push("signal"));
      lifecycle.beforeEnd(async () => {
        seen.push("notice");
        await new Promise((resolve) => setImmediate(resolve));
        seen.push("heard");
      });
      emit("SIGTERM", "SIGTERM");
    });
    expect([code, seen]).toEqual([0, ["notice", "heard", "signal", "server"]]);
  });

  test.each([
    ["another signal", "SIGINT", 0],
    ["a fault", "uncaughtException", 1],
  ])(
    "%s does not wait for what is said beforehand, and what is open is still closed",
    async (_what, name, expected) => {
      const { source, emit } = signals();
      const seen: string[] = [];
      const code = await run({ log }, { drainDeadlineMs: 30_000, source }, async (lifecycle) => {
        lifecycle.own(owner("server", seen));
        lifecycle.beforeEnd(() => new Promise<void>(() => {}));
        emit("SIGTERM", "SIGTERM");
        emit(name, name);
      });
      expect([code, seen]).toEqual([expected, ["server"]]);
    },
  );

  test("an end by a fault is announced to nobody", async () => {
    const { source } = signals();
    const said: string[] = [];
    const code = await run({ log }, { drainDeadlineMs: 30_000, source }, async (lifecycle) => {
      lifecycle.beforeEnd(async () => void said.push("notice"));
      lifecycle.stop(new Error("broken"));
    });
    expect([code, said]).toEqual([1, []]);
  });
});
