import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Freshness } from "./freshness.ts";
import { type Known, readiness, type StateRead, stateRead } from "./readiness.ts";
import { instant } from "./time.ts";

const fresh: Freshness = { kind: "fresh", serverNow: instant(1), databaseTime: instant(1) };
const stale: fc.Arbitrary<Freshness> = fc
  .constantFrom("no_heartbeat" as const, "too_old" as const, "set_hash_differs" as const, "clock_skew" as const)
  .map((why) => ({ kind: "stale", why }));
const state: fc.Arbitrary<StateRead> = fc.constantFrom("reading", "read_to_end", "gave_up_waiting");
const known: fc.Arbitrary<Known> = fc.record({
  hasPolicy: fc.boolean(),
  keys: fc.constantFrom("of_everyone", "of_others", "lacking"),
  state,
  grants: fc.oneof(fc.constant(fresh), stale),
});
const all: Known = { hasPolicy: true, keys: "of_everyone", state: "read_to_end", grants: fresh };

describe("a decision service", () => {
  test.each<[string, Partial<Known>, string]>([
    ["a policy", { hasPolicy: false }, "policy"],
    ["the keys of an issuer", { keys: "lacking" }, "keys"],
    ["what stands on the state topic", { state: "reading" }, "state"],
  ])("is not ready without %s, and says so, however fresh the rest is", (_what, without, name) => {
    expect(readiness({ ...all, ...without })).toEqual({ kind: "not_ready", lacks: [name] });
  });

  test("names everything that it lacks", () => {
    fc.assert(
      fc.property(known, (one) => {
        const now = readiness(one);
        const lacks = now.kind === "not_ready" ? now.lacks : [];
        expect([lacks.includes("policy"), lacks.includes("keys"), lacks.includes("state")]).toEqual([
          !one.hasPolicy,
          one.keys === "lacking",
          one.state === "reading",
        ]);
      }),
    );
  });

  test("is kept waiting by no grant that is stale, but only degraded, and says why", () => {
    fc.assert(
      fc.property(known, stale, (one, grants) => {
        const [before, after] = [readiness({ ...one, grants: fresh }), readiness({ ...one, grants })];
        if (before.kind === "not_ready") expect(after).toEqual(before);
        else
          expect([before, after]).toEqual([
            one.keys === "of_others" ? { kind: "degraded", why: "keys" } : { kind: "ready" },
            { kind: "degraded", why: "why" in grants && grants.why },
          ]);
      }),
    );
  });
});

describe("waiting for the state topic", () => {
  test("ends by the time given at the latest, whatever was read, and not before without its end", () => {
    fc.assert(
      fc.property(fc.boolean(), fc.nat(), fc.nat(), (toEnd, waitedMs, atMostMs) => {
        expect(stateRead({ toEnd, waitedMs: atMostMs + waitedMs }, atMostMs)).not.toBe("reading");
        expect(stateRead({ toEnd: false, waitedMs }, waitedMs + 1 + atMostMs)).toBe("reading");
      }),
    );
  });

  test("is over for good when the end is read, also when nobody waited for it any more", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (waitedMs, atMostMs) => {
        expect(stateRead({ toEnd: true, waitedMs }, atMostMs)).toBe("read_to_end");
      }),
    );
  });
});
