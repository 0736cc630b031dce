import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { createPackedMultimap, type Place } from "./packed-multimap.ts";
import type { PackedRecord } from "./packed-record.ts";

/** Of any characters, lone surrogates among them, and of lengths on both sides of a unit. */
const text = fc.string({ unit: fc.constantFrom("a", "é", "ÿ", "\0", "Ā", "😀", "\ud800", '"'), maxLength: 40 });
const number = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(Number.MAX_SAFE_INTEGER, -0, 0));
const record: fc.Arbitrary<PackedRecord> = fc.record({
  numbers: fc.array(number, { maxLength: 6 }),
  texts: fc.array(text, { maxLength: 6 }),
});
const key = fc.constantFrom("", "dana", "danb", "sam\0", "Ā");

describe("a packed multimap", () => {
  test("gives each record as it was added, and none to another key", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(key, record)), (all) => {
        const packed = createPackedMultimap();
        for (const [one, what] of all) packed.add(one, what);
        for (const asked of ["", "dana", "danb", "sam\0", "Ā", "nobody"]) {
          const own = all.filter(([one]) => one === asked).map(([, what]) => what);
          expect(recordsOf(packed, asked)).toEqual(own.toReversed());
        }
      }),
    );
  });

  test("gives what a Map would, whatever is added and removed in whichever order", () => {
    const step = fc.oneof(fc.tuple(key, record), fc.nat());
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const packed = createPackedMultimap();
        let model: { readonly place: Place; readonly key: string; readonly record: PackedRecord }[] = [];
        for (const one of steps) {
          if (typeof one !== "number") model.push({ place: packed.add(...one), key: one[0], record: one[1] });
          else if (model.length > 0) {
            const gone = model[one % model.length];
            if (gone !== undefined) packed.remove(gone.place);
            model = model.filter((kept) => kept !== gone);
          }
        }
        for (const { place, record: wanted } of model) expect(packed.at(place)).toEqual(wanted);
        for (const asked of ["", "dana", "danb", "sam\0", "Ā"]) {
          const own = model.filter((kept) => kept.key === asked).map((kept) => kept.record);
          expect(sorted(recordsOf(packed, asked))).toEqual(sorted(own));
        }
      }),
    );
  });

  test("finds each of very many, while buckets and chunks grow and places are taken again", () => {
    const packed = createPackedMultimap();
    const recordOf = (n: number, length: number) => ({ numbers: [n], texts: ["x".repeat(length)] });
    const places = Array.from({ length: 30_000 }, (_, n) => packed.add(`key ${n}`, recordOf(n, n % 200)));
    for (const [n, place] of places.entries()) {
      if (n % 2 === 0) packed.remove(place);
    }
    for (let n = 0; n < 30_000; n += 2) packed.add(`key ${n}`, recordOf(-n, (n + 100) % 200));
    for (let n = 0; n < 30_000; n += 1) {
      const wanted = n % 2 === 0 ? recordOf(-n, (n + 100) % 200) : recordOf(n, n % 200);
      // Another key may have the same hash.
      expect(recordsOf(packed, `key ${n}`)).toContainEqual(wanted);
    }
  });

  test("takes the place of a record that was removed for one as long, and none that still holds one", () => {
    const packed = createPackedMultimap();
    const one = { numbers: [], texts: ["one"] };
    const place = packed.add("dana", one);
    const other = packed.add("sam", one);
    packed.remove(place);
    expect(packed.add("lee", one)).toBe(place);
    expect(["dana", "sam", "lee"].map((key) => recordsOf(packed, key))).toEqual([[], [one], [one]]);
    expect(packed.add("dana", one)).not.toBe(other);
  });

  test("refuses what no chunk can hold, and goes on", () => {
    const packed = createPackedMultimap();
    const long = (length: number) => ({ numbers: [], texts: ["x".repeat(length)] });
    expect(() => packed.add("dana", long(1_024 * 1_024))).toThrow(RangeError);
    packed.add("dana", long(1_024 * 1_024 - 100));
    packed.add("dana", long(10));
    expect(recordsOf(packed, "dana")).toEqual([long(10), long(1_024 * 1_024 - 100)]);
  });

  test("removes a record once", () => {
    const packed = createPackedMultimap();
    const one = { numbers: [], texts: ["one"] };
    packed.add("dana", one);
    const place = packed.add("dana", one);
    packed.remove(place);
    expect(() => packed.remove(place)).toThrow(RangeError);
    expect(recordsOf(packed, "dana")).toEqual([one]);
  });
});

function recordsOf(packed: ReturnType<typeof createPackedMultimap>, key: string): readonly PackedRecord[] {
  return [...packed.get(key).values()];
}

function sorted(records: readonly PackedRecord[]): readonly string[] {
  return records
    .map((one) => `${one.numbers.map((each) => (Object.is(each, -0) ? "-0" : each)).join()}|${one.texts.join("|")}`)
    .sort();
}
