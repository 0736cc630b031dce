import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { digest } from "./id.ts";
import { intersect, isWithin, type Narrowing, narrow, type Terms } from "./narrowing.ts";
import { durationMs, instant } from "./time.ts";

const bound = { kind: "digest", digest: digest("a".repeat(64)) } as const;
const uses = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant("unlimited" as const));
const duration = fc.integer({ min: 1, max: 9 }).map((hours) => durationMs(hours * 3_600_000));
const start = fc.integer({ min: 0, max: 9 }).map(instant);
const terms: fc.Arbitrary<Terms> = fc.record({
  maxUses: uses,
  duration,
  notBefore: fc.option(start, { nil: undefined }),
  binding: fc.constantFrom("scope" as const, "exact" as const),
});
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

  test("what two people agree to is within what each of them agreed to", () => {
    fc.assert(
      fc.property(terms, terms, (a, b) => {
        expect(isWithin(intersect(a, b), a)).toBe(true);
        expect(isWithin(intersect(a, b), b)).toBe(true);
      }),
    );
  });
});
