import { expect, test } from "@jest/globals";
import { createLog } from "../log/log.ts";
import type { PartitionReader } from "./partition-reader.ts";
import { createWatchdog } from "./watchdog.ts";

const TOPIC = "t";
const STALL_MS = 100;

/** One reader, looked at by a watchdog; `end` undefined is a server that cannot be asked. */
function watched() {
  const state: { position: bigint; handling: boolean; end: bigint | undefined } = {
    position: 0n,
    handling: false,
    end: 0n,
  };
  const told: string[] = [];
  let nowMs = 0;
  const reader: PartitionReader = {
    get position() {
      return state.position;
    },
    get handling() {
      return state.handling;
    },
    recreate: () => told.push("recreated"),
    done: Promise.resolve(),
  };
  const watchdog = createWatchdog(
    {
      endOffsets: () =>
        state.end === undefined ? Promise.reject(new Error("away")) : Promise.resolve(new Map([[0, state.end]])),
      monotonicMs: () => nowMs,
      log: createLog({ name: "test", level: "silent" }),
      onRecreated: () => {},
      onFatal: () => told.push("fatal"),
    },
    { stallMs: STALL_MS },
  );
  return {
    state,
    told,
    async checkFor(ms: number) {
      for (const until = nowMs + ms; nowMs <= until; nowMs += STALL_MS / 5)
        await watchdog.check(TOPIC, new Map([[0, reader]]));
    },
  };
}

test("a reader that stands still gets a new connection, and is fatal when that has not helped", async () => {
  const { state, told, checkFor } = watched();
  state.end = 1n;
  await checkFor(STALL_MS / 2);
  expect(told).toEqual([]);
  await checkFor(STALL_MS);
  expect(told).toEqual(["recreated"]);
  await checkFor(STALL_MS);
  expect(told).toEqual(["recreated", "fatal"]);
});

test("a reader at the end, one that handles, and one whose server is away do not stand still", async () => {
  const { state, told, checkFor } = watched();
  await checkFor(3 * STALL_MS);
  state.end = 1n;
  state.handling = true;
  await checkFor(3 * STALL_MS);
  state.handling = false;
  state.end = undefined;
  await checkFor(3 * STALL_MS);
  expect(told).toEqual([]);
});

test("a server that goes away takes nothing back of what was tried in vain", async () => {
  const { state, told, checkFor } = watched();
  state.end = 1n;
  await checkFor(1.5 * STALL_MS);
  state.end = undefined;
  await checkFor(STALL_MS);
  state.end = 1n;
  await checkFor(1.5 * STALL_MS);
  expect(told).toEqual(["recreated", "fatal"]);
});

test("a new connection that has helped is not held against the reader when its server goes away in the same moment", async () => {
  const { state, told, checkFor } = watched();
  state.end = 1n;
  await checkFor(1.5 * STALL_MS);
  state.position = 1n;
  state.end = undefined;
  await checkFor(STALL_MS);
  state.end = 2n;
  await checkFor(1.5 * STALL_MS);
  expect(told).toEqual(["recreated", "recreated"]);
});
