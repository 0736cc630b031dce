import { expect, test } from "@jest/globals";
import { type Sighting, traitsOf } from "./profile.ts";
import { instant } from "./time.ts";

const MIDNIGHT = Date.parse("2026-11-25T00:00:00Z");

const sighting = (at: number, more: Partial<Sighting> = {}): Sighting => ({
  ...{ issuer: "i", subject: "dana", hour: 9, network: "192.0.2.0/24", country: "DE", at: instant(at) },
  ...more,
});

const shown = (sightings: readonly Sighting[]) =>
  traitsOf(sightings).map(({ subject, kind, value, at }) => `${subject} ${kind} ${value} ${at - MIDNIGHT}`);

test("however often an account calls on one day, each trait of it is one, the first, whatever the order", () => {
  expect(shown([sighting(MIDNIGHT + 2), sighting(MIDNIGHT + 1), sighting(MIDNIGHT + 86_399_999)])).toEqual([
    ...["dana account  1", "dana hour 09 1", "dana network 192.0.2.0/24 1", "dana country DE 1"],
  ]);
});

test("from many networks at one hour the hour, the country and the account are one each", () => {
  const networks = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"];
  expect(shown(networks.map((network) => sighting(MIDNIGHT, { network })))).toEqual([
    ...["dana account  0", "dana hour 09 0", "dana network 192.0.2.0/24 0", "dana country DE 0"],
    ...["dana network 198.51.100.0/24 0", "dana network 203.0.113.0/24 0"],
  ]);
});

test("an address or a country that is not known is no trait", () => {
  expect(shown([sighting(MIDNIGHT, { network: "", country: "" })])).toEqual(["dana account  0", "dana hour 09 0"]);
});

test("the two sides of midnight are two days", () => {
  const unplaced = { network: "", country: "" };
  expect(
    shown([sighting(MIDNIGHT - 1, { hour: 23, ...unplaced }), sighting(MIDNIGHT, { hour: 0, ...unplaced })]),
  ).toEqual(["dana account  -1", "dana hour 23 -1", "dana account  0", "dana hour 00 0"]);
});

test("another account has traits of its own, also where names run together", () => {
  const unplaced = { network: "", country: "" };
  const others = [sighting(MIDNIGHT, unplaced), sighting(MIDNIGHT, { ...unplaced, issuer: "id", subject: "ana" })];
  expect(shown(others)).toEqual(["dana account  0", "dana hour 09 0", "ana account  0", "ana hour 09 0"]);
});
