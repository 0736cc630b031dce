/** Calendar fields of a moment in a zone, and back, by the runtime's own zone data. */
import { BuiltinError } from "../builtin.ts";
import { isZoneName } from "./zone-names.ts";

export type DateFields = {
  readonly year: number;
  /** 1–12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly nanos: number;
  readonly offsetMinutes: number;
  readonly zone: string;
};

const SECOND = 1_000_000_000n;
const formats = new Map<string, Intl.DateTimeFormat>();
/** Zone names come from policies and requests: the cache is bounded. Each takes some 45 KB and a tenth of a millisecond to make. */
const MAX_FORMATS = 256;

function kept(key: string, make: () => Intl.DateTimeFormat): Intl.DateTimeFormat {
  const known = formats.get(key);
  if (known !== undefined) return known;
  const made = make();
  if (formats.size >= MAX_FORMATS) formats.clear();
  formats.set(key, made);
  return made;
}

const formatFor = (zone: string) => kept(zone, () => makeFormat(zone));

function makeFormat(zone: string): Intl.DateTimeFormat {
  if (!isZoneName(zone)) throw new BuiltinError("unknown time zone");
  return new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    era: "short",
  });
}

export function fieldsAt(ns: bigint, zone: string): DateFields {
  const nanos = ((ns % SECOND) + SECOND) % SECOND;
  const seconds = (ns - nanos) / SECOND;
  const at = new Date(Number(seconds) * 1000);
  if (zone === "UTC") return { ...utcFields(at), nanos: Number(nanos), offsetMinutes: 0, zone };
  const parts = new Map(
    formatFor(zone)
      .formatToParts(at)
      .map((part) => [part.type, part.value]),
  );
  const part = (name: Intl.DateTimeFormatPartTypes): number => Number(parts.get(name) ?? "0");
  const [year, month, day] = [part("year"), part("month"), part("day")];
  const [hour, minute, second] = [part("hour"), part("minute"), part("second")];
  const local = Date.UTC(year, month - 1, day, hour, minute, second);
  return {
    year,
    month,
    day,
    hour,
    minute,
    second,
    nanos: Number(nanos),
    offsetMinutes: Math.round((local - at.getTime()) / 60_000),
    zone,
  };
}

/** Where people have a name for the zone, which is where Go's data has one, too. */
const LOCALES = ["en-US", "en-GB", "en-AU", "en-NZ", "en-IN", "en-ZA", "ja-JP"];
/** So many formats of the runtime can be needed to abbreviate one zone. */
export const ABBREVIATION_FORMATS = LOCALES.length;

/** `CET`, `PDT`; where there is no name, the offset as Go writes it: `-03`, `+0545`. */
export function zoneAbbreviation(fields: DateFields): string {
  const { zone, offsetMinutes } = fields;
  if (zone === "UTC") return "UTC";
  const at = new Date(Number(instantOf(fields, "UTC") / 1_000_000n) - offsetMinutes * 60_000);
  for (const locale of LOCALES) {
    const format = kept(
      `${locale} ${zone}`,
      () => new Intl.DateTimeFormat(locale, { timeZone: zone, timeZoneName: "short" }),
    );
    const name = format.formatToParts(at).find((part) => part.type === "timeZoneName")?.value ?? "";
    if (/^[A-Z]{3,5}$/.test(name)) return name;
  }
  const size = Math.abs(offsetMinutes);
  const [hours, minutes] = [Math.floor(size / 60), size % 60].map((part) => String(part).padStart(2, "0"));
  return `${offsetMinutes < 0 ? "-" : "+"}${hours}${minutes === "00" ? "" : minutes}`;
}

function utcFields(at: Date): Pick<DateFields, "year" | "month" | "day" | "hour" | "minute" | "second"> {
  return {
    year: at.getUTCFullYear(),
    month: at.getUTCMonth() + 1,
    day: at.getUTCDate(),
    hour: at.getUTCHours(),
    minute: at.getUTCMinutes(),
    second: at.getUTCSeconds(),
  };
}

/** The moment of these fields (overflowing ones carry over) in a zone; `offsetMinutes` of the fields is not used. */
export function instantOf(fields: DateFields, zone: string): bigint {
  const { year, month, day, hour, minute, second, nanos } = fields;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second, 0);
  if (Number.isNaN(date.getTime())) throw new BuiltinError("time out of range");
  const local = BigInt(date.getTime()) * 1_000_000n + BigInt(nanos);
  if (zone === "UTC") return local;
  const minutesNs = (minutes: number): bigint => BigInt(minutes) * 60n * SECOND;
  const guess = local - minutesNs(fieldsAt(local, zone).offsetMinutes);
  return local - minutesNs(fieldsAt(guess, zone).offsetMinutes);
}
