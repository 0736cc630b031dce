import { expect, test } from "@jest/globals";
import { createHighestVersions } from "./highest-versions.ts";

test("a lower version never replaces a higher one, not even of a key that was let go meanwhile", () => {
  const highest = createHighestVersions();
  highest.hold("k", 4);
  highest.hold("k", 2);
  expect(highest.of("k")).toBe(4);
  highest.letGo("k");
  expect(highest.of("k")).toBe(4);
  highest.hold("k", 3);
  expect(highest.of("k")).toBe(4);
  expect(highest.of("another")).toBe(0);
});

test("of the keys that were let go the last are remembered; one that is held is never forgotten for them", () => {
  const highest = createHighestVersions(2);
  for (const key of ["held", "a", "b", "c"]) highest.hold(key, 7);
  highest.holdOnly((key) => key === "held");
  expect(["held", "a", "b", "c"].map((key) => highest.of(key))).toEqual([7, 0, 7, 7]);
  highest.hold("b", 1);
  highest.letGo("b");
  highest.hold("d", 1);
  highest.letGo("d");
  expect(["b", "c", "d"].map((key) => highest.of(key))).toEqual([7, 0, 1]);
});
