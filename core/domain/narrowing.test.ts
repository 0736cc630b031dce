import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { digest } from "./id.ts";
import { agreed, isWithin, type Narrowing, narrow, type Terms, windowOf } from "./narrowing.ts";
import { durationMs, instant } from "./time.ts";

const HOUR_MS = 3_600_000;
const bound = { kind: "digest", digest: digest("a".repeat(64)) } as const;
const uses = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant("unlimited" as const));
const duration = fc.integer({ min: 1, max: 9 }).map((hours) => durationMs(hours * HOUR_MS));
const start = fc.integer({ min: 0, max: 30 }).map((hours) => instant(hours * HOUR_MS));
const terms: fc.Arbitrary<Terms> = fc.record({
  maxUses: uses,
  duration,
  notBefore: fc.option(start, { nil: undefined }),
  binding: fc.constantFrom("scope" as const, "exact" as const),
});
const ending: fc.Arbitrary<Terms> = fc.oneof(
  terms,
  fc.tuple(terms, start).map(([open, notAfter]) => ({ ...open, notAfter })),
);
const narrowing: fc.Arbitrary<Narrowing> = fc.record(
  { maxUses: uses, duration, notBefore: start, binding: fc.constant("exact" as const) },
  { requiredKeys: [] },
);
const five: Terms = { maxUses: 5, duration: durationMs(3_600_000), notBefore: instant(100), binding: "scope" };

describe("narrowing", () => {
  test.each<[string, Narrowing]>([
    ["more uses", { maxUses: 6 }],
    ["unlimited uses", { maxUses: "unlimited" }],
    ["no use at all", { maxUses: 0 }],
    ["half a use", { maxUses: 0.5 }],
    ["longer", { duration: durationMs(3_600_001) }],
    ["no time at all", { duration: durationMs(0) }],
    ["earlier", { notBefore: instant(99) }],
  ])("%s is refused", (_name, less) => {
    expect(narrow(five, less, bound)).toMatchObject({ kind: "refused", reason: "widens" });
  });

  test("exact is refused when the call could not be bound", () => {
    const offer = { kind: "unbindable", reason: "body_not_bindable" } as const;
    expect(narrow(five, { binding: "exact" }, offer)).toMatchObject({ kind: "refused", reason: "not_bindable" });
  });

  test("never widens", () => {
    fc.assert(
      fc.property(terms, narrowing, (before, less) => {
        const after = narrow(before, less, bound);
        if (after.kind === "narrowed") expect(isWithin(after.terms, before)).toBe(true);
      }),
    );
  });

  test.each<[string, Partial<Terms>]>([
    ["one use more", { maxUses: 6 }],
    ["any number of uses", { maxUses: "unlimited" }],
    ["no use at all", { maxUses: 0 }],
    ["a millisecond longer", { duration: durationMs(HOUR_MS + 1) }],
    ["no time at all", { duration: durationMs(0) }],
    ["an earlier start", { notBefore: instant(99) }],
    ["a start at once", { notBefore: undefined }],
    ["a later end", { notAfter: instant(7_200_001) }],
    ["any call of the scope", { binding: "scope" }],
  ])("terms with %s are not within the limit, and the limit itself is", (_name, more) => {
    const limit: Terms = { ...five, notAfter: instant(7_200_000), binding: "exact" };
    expect(isWithin({ ...limit, ...more }, limit)).toBe(false);
    expect(isWithin(limit, limit)).toBe(true);
  });

  describe("what several people agree to", () => {
    const now = fc.integer({ min: 0, max: 30 }).map((hours) => instant(hours * HOUR_MS));
    const several = fc
      .tuple(ending, fc.array(ending, { maxLength: 3 }))
      .map(([first, rest]) => [first, ...rest] as const);

    test("is within what each of them agreed to, in time as well", () => {
      let seen = 0;
      fc.assert(
        fc.property(several, now, (all, at) => {
          const both = agreed(all, at);
          if (both === undefined) return;
          seen += 1;
          for (const one of all) {
            const limit = windowOf(one, at);
            expect(both.notBefore).toBeGreaterThanOrEqual(limit.from);
            expect(both.notBefore + both.duration).toBeLessThanOrEqual(limit.until);
            expect(isWithin(both, one)).toBe(true);
          }
        }),
      );
      expect(seen).toBeGreaterThan(10);
    });

    test("is nothing only when no moment is in all their times", () => {
      fc.assert(
        fc.property(several, now, (all, at) => {
          const windows = all.map((one) => windowOf(one, at));
          const inAll = (moment: number) => windows.every(({ from, until }) => from <= moment && moment < until);
          expect(agreed(all, at) === undefined).toBe(!windows.some(({ from }) => inAll(from)));
        }),
      );
    });

    test("does not become nothing by waiting, up to the first end that was asked for, and is nothing from then on", () => {
      fc.assert(
        fc.property(several, now, fc.nat({ max: 100 }), (all, at, hours) => {
          if (agreed(all, at) === undefined) return;
          const end = Math.min(...all.map(({ notAfter }) => notAfter ?? Number.POSITIVE_INFINITY));
          const later = instant(at + hours * HOUR_MS);
          expect(agreed(all, later) === undefined).toBe(later >= end);
        }),
      );
    });
  });
});
