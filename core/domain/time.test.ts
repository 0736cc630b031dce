import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { durationMs, formatDuration, instant, parseDuration, parseRfc3339, rfc3339 } from "./time.ts";

const END_OF_9999 = 253_402_300_799_999;

describe("an instant", () => {
  test.each([-1, 0.5, Number.NaN, Infinity, END_OF_9999 + 1, Number.MAX_SAFE_INTEGER])("is not %p", (ms) => {
    expect(() => instant(ms)).toThrow("not an instant");
  });

  test("is written so that it reads back the same, whichever it is", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: END_OF_9999 }), (ms) => {
        expect(parseRfc3339(rfc3339(instant(ms)))).toBe(ms);
        for (const at of [ms, ms - (ms % 1_000), ms - (ms % 1_000) + 7])
          expect(rfc3339(instant(at))).toBe(new Date(at).toISOString());
      }),
    );
    expect(rfc3339(instant(END_OF_9999))).toBe("9999-12-31T23:59:59.999Z");
  });
});

describe("an RFC 3339 text is refused", () => {
  test.each([
    ["without a zone", "2026-01-01T00:00:00"],
    ["with a day that its month does not have", "2026-02-30T00:00:00Z"],
    ["with the 29th of February of a common year", "2026-02-29T00:00:00Z"],
    ["with hour 24", "2026-01-01T24:00:00Z"],
    ["with a leap second", "2026-06-30T23:59:60Z"],
    ["with a zone that does not exist", "2026-01-01T00:00:00+25:00"],
    ["before 1970", "1969-12-31T23:59:59Z"],
    ["beyond 9999 by its zone", "9999-12-31T23:59:59-23:59"],
    ["with a line after it", "2026-01-01T00:00:00Z\n"],
  ])("%s", (_why, text) => {
    expect(() => parseRfc3339(text)).toThrow("not an RFC 3339 time");
  });
});

test("an RFC 3339 text with a zone is read, the 29th of February of a leap year too, fractions are floored", () => {
  expect(parseRfc3339("2026-01-01T02:00:00+02:00")).toBe(Date.UTC(2026, 0, 1));
  expect(parseRfc3339("2028-02-29T00:00:00Z")).toBe(Date.UTC(2028, 1, 29));
  expect(parseRfc3339("2026-01-01T00:00:00.9999Z")).toBe(Date.UTC(2026, 0, 1) + 999);
});

test.each(["", "5", "h", "0s", "-1m", "1.5h", "1d", "1H", " 1h", "1h ", "1h\n", "٣h", "10001h", "9999999999s"])(
  "%j is not a duration",
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);

test("a duration of whole seconds is written so that it reads back the same", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 36_000_000 }), (seconds) => {
      expect(parseDuration(formatDuration(durationMs(seconds * 1_000)))).toBe(seconds * 1_000);
    }),
  );
});
