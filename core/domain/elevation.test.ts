import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { compareText, defaultElevation, type Risk } from "./elevation.ts";

const offer = (risk: Risk, entitlement: string, scope = "s") => ({ risk, entitlement, scope });

test("of no elevations none is the default", () => {
  expect(defaultElevation([])).toBeUndefined();
});

test("the default is the lowest risk, then the entitlement, then the scope, whatever the order they came in", () => {
  const offers = [
    offer("low", "b", "y"),
    offer("low", "b", "x"),
    offer("low", "c"),
    offer("medium", "a"),
    offer("high", "a"),
  ];
  fc.assert(
    fc.property(fc.shuffledSubarray(offers, { minLength: offers.length }), (shuffled) => {
      expect(defaultElevation(shuffled)).toEqual(offer("low", "b", "x"));
    }),
  );
});

test("texts are ordered by code units, the same on every machine, and only equal texts are equal", () => {
  expect(compareText("Z", "a")).toBe(-1);
  expect(compareText("é", "e\u0301")).not.toBe(0);
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (a, b) => {
      expect(compareText(a, b)).toBe(0 - compareText(b, a));
      expect(compareText(a, b) === 0).toBe(a === b);
    }),
  );
});
