/** The time of day where the organisation works, over the changes of summer time, and at the edges of the office's hours. */
import { expect, test } from "@jest/globals";
import { instant } from "../../../core/domain/time.ts";
import { createLocalTime } from "./local-time.ts";

const days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"];
const berlin = createLocalTime("Europe/Berlin", { days, from: "08:00", to: "18:00" });
const at = (text: string) => berlin(instant(Date.parse(text)));

test.each([
  ["2026-11-27T06:59:59Z", "2026-11-27", "Friday", 7, 59, false],
  ["2026-11-27T07:00:00Z", "2026-11-27", "Friday", 8, 0, true],
  ["2026-11-27T16:59:59Z", "2026-11-27", "Friday", 17, 59, true],
  ["2026-11-27T17:00:00Z", "2026-11-27", "Friday", 18, 0, false],
  ["2026-11-28T10:00:00Z", "2026-11-28", "Saturday", 11, 0, false],
  ["2026-11-26T23:00:00Z", "2026-11-27", "Friday", 0, 0, false],
  ["2026-07-01T06:00:00Z", "2026-07-01", "Wednesday", 8, 0, true],
  ["2026-03-29T00:59:00Z", "2026-03-29", "Sunday", 1, 59, false],
  ["2026-03-29T01:00:00Z", "2026-03-29", "Sunday", 3, 0, false],
  ["2026-10-25T00:30:00Z", "2026-10-25", "Sunday", 2, 30, false],
  ["2026-10-25T01:30:00Z", "2026-10-25", "Sunday", 2, 30, false],
])("%s in Berlin", (text, date, weekday, hour, minute, office) => {
  expect(at(text)).toEqual({ zone: "Europe/Berlin", date, weekday, hour, minute, office_hours: office });
});

test("a clock that is set back an hour is an hour earlier at once", () => {
  expect(at("2026-11-27T17:30:00Z").office_hours).toBe(false);
  expect(at("2026-11-27T16:30:00Z").office_hours).toBe(true);
});

test("hours until the end of the day, in a zone of half hours", () => {
  const kolkata = createLocalTime("Asia/Kolkata", { days: ["Sunday"], from: "22:00", to: "24:00" });
  expect(kolkata(instant(Date.parse("2026-11-29T18:29:59Z")))).toMatchObject({
    hour: 23,
    minute: 59,
    office_hours: true,
  });
  expect(kolkata(instant(Date.parse("2026-11-29T18:30:00Z")))).toMatchObject({
    weekday: "Monday",
    office_hours: false,
  });
});
