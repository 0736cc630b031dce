/** Go's time layouts: a layout shows how the reference time `Mon Jan 2 15:04:05 MST 2006` would be written. */
import { BuiltinError } from "../builtin.ts";
import { type DateFields, instantOf } from "./civil-time.ts";

const MONTHS = ["January", "February", "March", "April", "May", "June"].concat([
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
]);
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

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

const TOKEN =
  /January|Jan|Monday|Mon|MST|2006|-07:00|-0700|-07|Z07:00|Z0700|01|02|03|04|05|06|002|15|PM|pm|_2|[.,]0+(?!\d)|[.,]9+(?!\d)|1|2|3|4|5/g;

function two(value: number): string {
  return String(value).padStart(2, "0");
}

function zoneText(token: string, minutes: number): string {
  if (token.startsWith("Z") && minutes === 0) return "Z";
  const size = Math.abs(minutes);
  const colon = token.includes(":") ? ":" : "";
  const hours = `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}`;
  return token === "-07" ? hours : `${hours}${colon}${two(size % 60)}`;
}

function fractionText(token: string, nanos: number): string {
  const digits = String(nanos)
    .padStart(9, "0")
    .slice(0, token.length - 1);
  const shown = token[1] === "9" ? digits.replace(/0+$/, "") : digits;
  return shown === "" ? "" : `${token[0]}${shown}`;
}

/** Formats as Go's `Time.Format`. */
export function formatLayout(f: DateFields, layout: string): string {
  const weekday = DAYS[new Date(Date.UTC(f.year, f.month - 1, f.day)).getUTCDay()] ?? "";
  const hour12 = f.hour % 12 === 0 ? 12 : f.hour % 12;
  const dayOfYear = (Date.UTC(f.year, f.month - 1, f.day) - Date.UTC(f.year, 0, 1)) / 86_400_000 + 1;
  const texts: ReadonlyMap<string, string> = new Map([
    ["January", MONTHS[f.month - 1] ?? ""],
    ["Jan", (MONTHS[f.month - 1] ?? "").slice(0, 3)],
    ["Monday", weekday],
    ["Mon", weekday.slice(0, 3)],
    ["MST", f.zoneName],
    ["2006", String(f.year).padStart(4, "0")],
    ["06", two(f.year % 100)],
    ["01", two(f.month)],
    ["1", String(f.month)],
    ["02", two(f.day)],
    ["_2", String(f.day).padStart(2, " ")],
    ["2", String(f.day)],
    ["002", String(dayOfYear).padStart(3, "0")],
    ["15", two(f.hour)],
    ["03", two(hour12)],
    ["3", String(hour12)],
    ["04", two(f.minute)],
    ["4", String(f.minute)],
    ["05", two(f.second)],
    ["5", String(f.second)],
    ["PM", f.hour >= 12 ? "PM" : "AM"],
    ["pm", f.hour >= 12 ? "pm" : "am"],
  ]);
  return layout.replace(TOKEN, (token) => {
    if (/^[.,]/.test(token)) return fractionText(token, f.nanos);
    return texts.get(token) ?? zoneText(token, f.offsetMinutes);
  });
}

const PATTERNS: ReadonlyMap<string, string> = new Map([
  ["January", `(${MONTHS.join("|")})`],
  ["Jan", `(${MONTHS.map((name) => name.slice(0, 3)).join("|")})`],
  ["Monday", `(${DAYS.join("|")})`],
  ["Mon", `(${DAYS.map((name) => name.slice(0, 3)).join("|")})`],
  ["MST", "([A-Z]{3,5})"],
  ["2006", "(\\d{4})"],
  ["002", "(\\d{3})"],
  ["_2", "([ \\d]?\\d)"],
  ["PM", "(AM|PM)"],
  ["pm", "(am|pm)"],
  ["Z07:00", "(Z|[+-]\\d\\d:\\d\\d)"],
  ["Z0700", "(Z|[+-]\\d{4})"],
  ["-07:00", "([+-]\\d\\d:\\d\\d)"],
  ["-0700", "([+-]\\d{4})"],
  ["-07", "([+-]\\d\\d)"],
]);

/** The moment in nanoseconds, read as Go's `time.Parse`; without a zone it is UTC. A fraction may follow the seconds. */
export function parseLayout(layout: string, text: string): bigint {
  const tokens: string[] = [];
  const literal = (part: string): string => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  let pattern = "";
  let from = 0;
  for (const found of layout.matchAll(TOKEN)) {
    const token = found[0];
    pattern += literal(layout.slice(from, found.index));
    from = found.index + token.length;
    if (/^[.,]9/.test(token)) continue;
    tokens.push(token);
    if (/^[.,]/.test(token)) pattern += `([.,]\\d{${token.length - 1}})`;
    else pattern += PATTERNS.get(token) ?? (token.length === 2 ? "(\\d\\d)" : "(\\d\\d?)");
    if ((token === "05" || token === "5") && !/^[.,]0/.test(layout.slice(from))) {
      pattern += "([.,]\\d+)?";
      tokens.push(".fraction");
    }
  }
  const match = new RegExp(`^${pattern}${literal(layout.slice(from))}$`).exec(text);
  if (match === null) throw new BuiltinError("time does not match the layout");
  const seen = new Map(tokens.map((token, index) => [token.replace(/^[.,].*/, "."), match[index + 1] ?? ""]));
  return momentOf(seen);
}

function momentOf(seen: ReadonlyMap<string, string>): bigint {
  const first = (...tokens: string[]): string | undefined => tokens.map((token) => seen.get(token)).find(Boolean);
  const number = (fallback: number, ...tokens: string[]): number => Number(first(...tokens) ?? fallback);
  const short = seen.get("06");
  const year = short === undefined ? number(0, "2006") : Number(short) + (Number(short) >= 69 ? 1900 : 2000);
  const monthName = first("January", "Jan");
  const named = MONTHS.findIndex((name) => monthName !== undefined && name.startsWith(monthName.slice(0, 3))) + 1;
  const month = named > 0 ? named : number(1, "01", "1");
  const day = number(1, "02", "_2", "2");
  const half = first("PM", "pm")?.toUpperCase();
  const hour12 = number(0, "03", "3");
  const hour = half === undefined ? number(hour12, "15") : (hour12 % 12) + (half === "PM" ? 12 : 0);
  const [minute, second] = [number(0, "04", "4"), number(0, "05", "5")];
  const lastDay = new Date(Date.UTC(year, month, 0)).getUTCDate();
  if (month < 1 || month > 12 || day < 1 || day > lastDay || hour > 23 || minute > 59 || second > 59) {
    throw new BuiltinError("time out of range");
  }
  const nanos = Number((seen.get(".") ?? "").slice(1).padEnd(9, "0").slice(0, 9));
  const fields = { year, month, day, hour, minute, second, nanos, offsetMinutes: 0, zoneName: "UTC" };
  const zone = first("Z07:00", "Z0700", "-07:00", "-0700", "-07") ?? "Z";
  return instantOf(fields, "UTC") - offsetNs(zone);
}

function offsetNs(zone: string): bigint {
  const match = /^([+-])(\d\d):?(\d\d)?$/.exec(zone);
  if (match === null) return 0n;
  const size = BigInt(Number(match[2]) * 60 + Number(match[3] ?? "0")) * 60_000_000_000n;
  return match[1] === "-" ? -size : size;
}
