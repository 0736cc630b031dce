import { expect, test } from "@jest/globals";
import { latestOfEach, type Sighting } from "./profile.ts";
import { instant } from "./time.ts";

const sighting = (at: number, more: Partial<Sighting> = {}): Sighting => ({
  ...{ issuer: "i", subject: "dana", hour: 9, network: "192.0.2.0/24", country: "", at: instant(at) },
  ...more,
});

test("of one account, hour and network the latest counts, whatever the order", () => {
  expect(latestOfEach([sighting(2), sighting(3), sighting(1)])).toEqual([sighting(3)]);
});

test("another account, hour or network is another sighting, also where names run together", () => {
  const others = [
    sighting(1),
    sighting(1, { hour: 10 }),
    sighting(1, { network: "" }),
    sighting(1, { issuer: "id", subject: "ana" }),
  ];
  expect(latestOfEach(others)).toEqual(others);
});
