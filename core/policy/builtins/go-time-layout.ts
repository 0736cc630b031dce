/**
 * Go's time layouts: a layout shows how the reference time `Mon Jan 2 15:04:05 MST 2006` would be written. Here is how one
 * is cut into its chunks, and how a moment is written by it; go-time-parse.ts reads.
 */
import { type DateFields, zoneAbbreviation } from "./civil-time.ts";

export const MONTHS = ["January", "February", "March", "April", "May", "June"].concat([
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
]);
export const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** The layouts that OPA knows by name. */
const NAMED: ReadonlyMap<string, string> = new Map([
  ["ANSIC", "Mon Jan _2 15:04:05 2006"],
  ["UnixDate", "Mon Jan _2 15:04:05 MST 2006"],
  ["RubyDate", "Mon Jan 02 15:04:05 -0700 2006"],
  ["RFC822", "02 Jan 06 15:04 MST"],
  ["RFC822Z", "02 Jan 06 15:04 -0700"],
  ["RFC850", "Monday, 02-Jan-06 15:04:05 MST"],
  ["RFC1123", "Mon, 02 Jan 2006 15:04:05 MST"],
  ["RFC1123Z", "Mon, 02 Jan 2006 15:04:05 -0700"],
  ["RFC3339", "2006-01-02T15:04:05Z07:00"],
  ["RFC3339Nano", "2006-01-02T15:04:05.999999999Z07:00"],
]);

export function namedLayout(layout: string): string {
  return NAMED.get(layout) ?? layout;
}

/** `_2006` is a literal underscore before a year, `Janet` no month, and a fraction ends where its digits end. */
const CHUNK = new RegExp(
  ["January", "Jan(?![a-z])", "Monday", "Mon(?![a-z])", "MST", "002", "0[1-6]", "15", "1", "2006", "2"]
    .concat(["_2(?!006)", "__2", "3", "4", "5", "PM", "pm"])
    .concat(["[-Z]070000", "[-Z]07:00:00", "[-Z]0700", "[-Z]07:00", "[-Z]07", "[.,]0+(?!\\d)", "[.,]9+(?!\\d)"])
    .join("|"),
  "g",
);

export type Chunk = { readonly literal: string; readonly token: string };

/** The chunks of a layout; the last has no token. */
export function chunksOf(layout: string): readonly Chunk[] {
  const chunks: Chunk[] = [];
  let from = 0;
  for (const found of layout.matchAll(CHUNK)) {
    chunks.push({ literal: layout.slice(from, found.index), token: found[0] });
    from = found.index + found[0].length;
  }
  return [...chunks, { literal: layout.slice(from), token: "" }];
}

/** Formats as Go's `Time.Format`. */
export function formatLayout(fields: DateFields, layout: string): string {
  return chunksOf(layout)
    .map(({ literal, token }) => literal + tokenText(fields, token))
    .join("");
}

function tokenText(f: DateFields, token: string): string {
  const hour12 = f.hour % 12 === 0 ? 12 : f.hour % 12;
  switch (token) {
    case "January":
      return MONTHS[f.month - 1] ?? "";
    case "Jan":
      return (MONTHS[f.month - 1] ?? "").slice(0, 3);
    case "Monday":
      return weekday(f);
    case "Mon":
      return weekday(f).slice(0, 3);
    case "MST":
      return zoneAbbreviation(f);
    case "2006":
      return String(f.year).padStart(4, "0");
    case "PM":
      return f.hour >= 12 ? "PM" : "AM";
    case "pm":
      return f.hour >= 12 ? "pm" : "am";
    case "002":
      return String(dayOfYear(f)).padStart(3, "0");
    case "__2":
      return String(dayOfYear(f)).padStart(3, " ");
    case "_2":
      return String(f.day).padStart(2, " ");
    case "15":
      return two(f.hour);
    case "":
      return "";
    default:
      if (/^[.,]/.test(token)) return fractionText(token, f.nanos);
      return /^[-Z]/.test(token) ? zoneText(token, f.offsetMinutes) : numberText(f, token, hour12);
  }
}

/** `01`–`06` and `1`–`5`: month, day, hour, minute, second, year. */
function numberText(f: DateFields, token: string, hour12: number): string {
  const parts = [0, f.month, f.day, hour12, f.minute, f.second, f.year % 100];
  const part = parts[Number(token)] ?? 0;
  return token.startsWith("0") ? two(part) : String(part);
}

function weekday(f: DateFields): string {
  return DAYS[new Date(Date.UTC(f.year, f.month - 1, f.day)).getUTCDay()] ?? "";
}

function dayOfYear(f: DateFields): number {
  return (Date.UTC(f.year, f.month - 1, f.day) - Date.UTC(f.year, 0, 1)) / 86_400_000 + 1;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

function zoneText(token: string, minutes: number): string {
  if (token.startsWith("Z") && minutes === 0) return "Z";
  const size = Math.abs(minutes);
  const parts = [two(Math.floor(size / 60)), two(size % 60), "00"];
  const count = token.length <= 3 ? 1 : token.length <= 6 ? 2 : 3;
  return (minutes < 0 ? "-" : "+") + parts.slice(0, count).join(token.includes(":") ? ":" : "");
}

function fractionText(token: string, nanos: number): string {
  const digits = String(nanos)
    .padStart(9, "0")
    .slice(0, token.length - 1)
    .padEnd(token.length - 1, "0");
  const shown = token[1] === "9" ? digits.replace(/0+$/, "") : digits;
  return shown === "" ? "" : `${token[0]}${shown}`;
}
