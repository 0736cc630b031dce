/** What is excused as another's, and what is not. */
import { describe, expect, test } from "@jest/globals";
import { ownTime, type Stretch } from "./own-time.ts";

const stretch = (some: Partial<Stretch>): Stretch => ({
  ...{ wallMs: 60, cpuMs: 0, idleMs: 0, gcMs: 0, queuedMs: 0, switches: 1 },
  ...some,
});

describe("ours is", () => {
  test.each<[string, Partial<Stretch>, number]>([
    ["a call that blocks, though it takes no processor time", {}, 60],
    ["what computes", { cpuMs: 60, switches: 0 }, 60],
    ["a call that blocks behind a pause for garbage", { cpuMs: 20, gcMs: 20 }, 40],
    ["what may have been counted both as idle and as waiting for a core", { idleMs: 20, queuedMs: 20 }, 40],
    ["what may have been counted both as a pause and as waiting for a core", { gcMs: 20, queuedMs: 30 }, 30],
  ])("%s", (_what, some, ms) => {
    expect(ownTime(stretch(some))).toBe(ms);
  });
});

describe("ours is not", () => {
  test.each<[string, Partial<Stretch>]>([
    ["an idle loop that was woken late", { idleMs: 60, queuedMs: 55 }],
    ["a pause for garbage", { cpuMs: 60, gcMs: 60 }],
    ["waiting for a core that others have", { queuedMs: 60, switches: 2 }],
    ["what the machine was not given, where the thread never left its core", { switches: 0 }],
    ["less than nothing", { idleMs: 40, gcMs: 30 }],
  ])("%s", (_what, some) => {
    expect(ownTime(stretch(some))).toBe(0);
  });
});
