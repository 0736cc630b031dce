/**
 * `time.*`. Nanoseconds are bigints: they exceed 2^53. `time.now_ns` is a parameter of the evaluation, so it is constant
 * within one and a recorded decision can be replayed. Zones come from the runtime's own data.
 * Divergence: abbreviations of zones and local times before 1970 are those of the runtime, which has not all of Go's.
 */
import {
  type Builtin,
  type BuiltinCall,
  BuiltinError,
  BuiltinLimit,
  builtinTable,
  integerArg,
  smallIntegerArg,
  stringArg,
} from "../builtin.ts";
import { isRegoArray, type RegoValue, regoInteger } from "../rego-value/value.ts";
import { ABBREVIATION_FORMATS, type DateFields, fieldsAt, instantOf } from "./civil-time.ts";
import { goFloat } from "./go-float.ts";
import { formatLayout, namedLayout } from "./go-time-layout.ts";
import { parseLayout } from "./go-time-parse.ts";

const SECOND = 1_000_000_000n;
const HOUR = 3600n * SECOND;
const MAX_INT64 = 2n ** 63n;

type Moment = { readonly ns: bigint; readonly zone: string; readonly layout: string };

/**
 * The runtime takes a tenth of a millisecond for a zone that it has not been asked for lately (civil-time.ts), so its first use in an
 * evaluation is paid, kept from before or not: equal inputs have equal costs. Each use costs something, too. In fuel.
 */
const PER_ZONE = 200_000;
const PER_USE = 12_000;
/** Of one evaluation, each by itself and with its abbreviation: no more than are kept. */
const MAX_ZONES = 32;
const zonesIn = new WeakMap<BuiltinCall, Set<string>>();

function payZone(call: BuiltinCall, zone: string, formats = 1): void {
  if (zone !== "UTC") call.pay(PER_USE);
  const zones = zonesIn.get(call) ?? new Set();
  zonesIn.set(call, zones);
  const use = `${formats} ${zone}`;
  if (zone === "UTC" || zones.has(use)) return;
  if (zones.size >= 2 * MAX_ZONES) throw new BuiltinLimit("too many time zones");
  zones.add(use);
  call.pay(formats * PER_ZONE);
}

/** `ns`, or `[ns]`, `[ns, zone]`, `[ns, zone, layout]`. */
function momentArg(args: readonly RegoValue[], at: number, call: BuiltinCall): Moment {
  const value = args[at];
  if (!isRegoArray(value)) return { ns: int64(integerArg(args, at)), zone: "UTC", layout: "RFC3339Nano" };
  const named = value.length > 1 ? stringArg(value, 1) : "";
  const zone = named === "" || named === "Local" ? "UTC" : named;
  payZone(call, zone);
  return {
    ns: int64(integerArg(value, 0)),
    zone,
    layout: (value.length > 2 ? stringArg(value, 2) : "") || "RFC3339Nano",
  };
}

function int64(value: bigint): bigint {
  if (value < -MAX_INT64 || value >= MAX_INT64) throw new BuiltinError("timestamp too big");
  return value;
}

const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

function onFields(use: (fields: DateFields) => RegoValue): Builtin {
  return (args, call) => {
    const { ns, zone } = momentArg(args, 0, call);
    return use(fieldsAt(ns, zone));
  };
}

const addDate: Builtin = (args, call) => {
  const { ns, zone } = momentArg(args, 0, call);
  const f = fieldsAt(ns, zone);
  const moved = {
    ...f,
    year: f.year + smallIntegerArg(args, 1),
    month: f.month + smallIntegerArg(args, 2),
    day: f.day + smallIntegerArg(args, 3),
  };
  return regoInteger(int64(instantOf(moved, zone)));
};

/** Years, months, days, hours, minutes, seconds between two moments, both read in the first one's zone. The other has to be one, too. */
const diff: Builtin = (args, call) => {
  const first = momentArg(args, 0, call);
  const second = momentArg(args, 1, call);
  fieldsAt(second.ns, second.zone);
  const [early, late] = first.ns <= second.ns ? [first.ns, second.ns] : [second.ns, first.ns];
  const a = fieldsAt(early, first.zone);
  const b = fieldsAt(late, first.zone);
  const parts = [b.year - a.year, b.month - a.month, b.day - a.day, b.hour - a.hour, b.minute - a.minute];
  let [years = 0, months = 0, days = 0, hours = 0, minutes = 0] = parts;
  let seconds = b.second - a.second;
  if (seconds < 0) [seconds, minutes] = [seconds + 60, minutes - 1];
  if (minutes < 0) [minutes, hours] = [minutes + 60, hours - 1];
  if (hours < 0) [hours, days] = [hours + 24, days - 1];
  if (days < 0) {
    days += new Date(Date.UTC(a.year, a.month, 0)).getUTCDate();
    months -= 1;
  }
  if (months < 0) [months, years] = [months + 12, years - 1];
  return [years, months, days, hours, minutes, seconds].map(regoInteger);
};

const UNIT_NS: ReadonlyMap<string, bigint> = new Map([
  ["ns", 1n],
  ["us", 1_000n],
  ["µs", 1_000n],
  ["μs", 1_000n],
  ["ms", 1_000_000n],
  ["s", SECOND],
  ["m", 60n * SECOND],
  ["h", HOUR],
]);

/** Days, weeks and years are turned into hours, by doubles as OPA does it. */
const HOURS: ReadonlyMap<string, number> = new Map([
  ["d", 24],
  ["w", 7 * 24],
  ["y", 365 * 24],
]);
const SEGMENT = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h|d|w|y)/y;
/** In fuel. */
const PER_SEGMENT = 4_000;

export const parseDuration: Builtin = (args, { pay }) => {
  const text = stringArg(args, 0);
  const start = /^[+-]/.test(text) ? 1 : 0;
  if (text.slice(start) === "0") return regoInteger(0n);
  if (start === text.length) throw new BuiltinError("invalid duration");
  let total = 0n;
  for (let at = start; at < text.length; at = SEGMENT.lastIndex) {
    pay(PER_SEGMENT);
    SEGMENT.lastIndex = at;
    const [, amount, unit = ""] = SEGMENT.exec(text) ?? [];
    if (amount === undefined) throw new BuiltinError("invalid duration");
    const hours = HOURS.get(unit);
    total += hours === undefined ? segmentNs(amount, UNIT_NS.get(unit) ?? 0n) : hoursNs(Number(amount) * hours);
  }
  return regoInteger(int64(text.startsWith("-") ? -total : total));
};

function hoursNs(hours: number): bigint {
  if (!Number.isFinite(hours)) throw new BuiltinError("invalid duration");
  return segmentNs(goFloat(hours, "f", undefined), HOUR);
}

/** Go multiplies the fraction as a double and cuts what is left of a nanosecond. */
function segmentNs(amount: string, unitNs: bigint): bigint {
  const [whole = "", fraction = ""] = amount.split(".");
  const digits = fraction.slice(0, 18);
  const part = Math.trunc(Number(digits || "0") * (Number(unitNs) / 10 ** digits.length));
  return BigInt(whole || "0") * unitNs + BigInt(part);
}

export const TIME = builtinTable([
  ["time.now_ns", (_args, call) => regoInteger(call.nowNs)],
  ["time.date", onFields((f) => [f.year, f.month, f.day].map(regoInteger))],
  ["time.clock", onFields((f) => [f.hour, f.minute, f.second].map(regoInteger))],
  ["time.weekday", onFields((f) => WEEKDAYS[new Date(Date.UTC(f.year, f.month - 1, f.day)).getUTCDay()] ?? "")],
  [
    "time.format",
    (args, call) => {
      const { ns, zone, layout } = momentArg(args, 0, call);
      const format = namedLayout(layout);
      if (format.includes("MST")) payZone(call, zone, ABBREVIATION_FORMATS);
      return formatLayout(fieldsAt(ns, zone), format);
    },
  ],
  ["time.parse_ns", (args) => regoInteger(int64(parseLayout(namedLayout(stringArg(args, 0)), stringArg(args, 1))))],
  ["time.parse_rfc3339_ns", (args) => regoInteger(int64(parseLayout(namedLayout("RFC3339Nano"), stringArg(args, 0))))],
  ["time.parse_duration_ns", parseDuration],
  ["time.add_date", addDate],
  ["time.diff", diff],
]);
