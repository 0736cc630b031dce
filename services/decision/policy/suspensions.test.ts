import { describe, expect, test } from "@jest/globals";
import { createSuspensions, SUSPENSION_LIMITS } from "./suspensions.ts";

const attempt = { revision: "1", subject: "dana", method: "GET", path: "/orders/42" };

function after(times: number, on: Partial<typeof attempt> = {}) {
  const suspensions = createSuspensions();
  for (let count = 0; count < times; count++) suspensions.note({ ...attempt, ...on }, 1_000 + count);
  return (of: Partial<typeof attempt> = {}, nowMs = 2_000) =>
    suspensions.isSuspended(() => ({ ...attempt, ...of }), nowMs);
}

describe("not suspended", () => {
  test("after two, whoever it is", () => {
    expect(after(0)()).toBe(false);
    expect(after(2)()).toBe(false);
  });

  test("somebody else, another method, another part of the service, another revision", () => {
    const isSuspended = after(3);
    expect(isSuspended({ subject: "max" })).toBe(false);
    expect(isSuspended({ method: "POST" })).toBe(false);
    expect(isSuspended({ path: "/reports" })).toBe(false);
    expect(isSuspended({ revision: "2" })).toBe(false);
  });

  test("once a minute has passed since the first of the three, for one more", () => {
    const isSuspended = after(3);
    expect(isSuspended({}, 60_999)).toBe(true);
    expect(isSuspended({}, 61_000)).toBe(false);
  });
});

describe("suspended", () => {
  test("three on one route, by whatever path below it and with whatever query", () => {
    const isSuspended = after(3);
    for (const path of ["/orders/42", "/orders", "/orders?x=1", "//orders/1", "/orders/"]) {
      expect(isSuspended({ path })).toBe(true);
    }
  });

  test("everywhere, after nine on routes that are all different", () => {
    const suspensions = createSuspensions();
    for (let count = 0; count < 8; count++) suspensions.note({ ...attempt, path: `/${count}` }, 1_000);
    expect(suspensions.isSuspended(() => ({ ...attempt, path: "/new" }), 1_000)).toBe(false);
    suspensions.note({ ...attempt, path: "/8" }, 1_000);
    expect(suspensions.isSuspended(() => ({ ...attempt, path: "/new" }), 1_000)).toBe(true);
    expect(suspensions.isSuspended(() => ({ ...attempt, subject: "max", path: "/new" }), 1_000)).toBe(false);
  });
});

test("the table is bounded: who was quiet for longest is forgotten first", () => {
  const suspensions = createSuspensions({ ...SUSPENSION_LIMITS, maxEntries: 6 });
  for (const subject of ["first", "second", "third", "fourth"]) {
    for (let count = 0; count < 3; count++) suspensions.note({ ...attempt, subject }, 1_000);
  }
  expect(suspensions.isSuspended(() => ({ ...attempt, subject: "first" }), 1_000)).toBe(false);
  expect(suspensions.isSuspended(() => ({ ...attempt, subject: "fourth" }), 1_000)).toBe(true);
});
