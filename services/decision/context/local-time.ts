/**
 * `input.context.local`: the time of day where the organisation works, by the runtime's time zone database, summer time included. Within one
 * minute the same object is returned.
 */
import type { Instant } from "../../../core/domain/time.ts";

type OfficeHours = { readonly days: readonly string[]; readonly from: string; readonly to: string };

export type LocalTime = {
  readonly zone: string;
  /** 2026-11-27 */
  readonly date: string;
  /** In English, as Rego's time.weekday has it: Monday. */
  readonly weekday: string;
  readonly hour: number;
  readonly minute: number;
  readonly office_hours: boolean;
};

const MINUTE_MS = 60_000;

/** Throws for a zone that does not exist; configuration has refused it. */
export function createLocalTime(zone: string, { days, from, to }: OfficeHours): (now: Instant) => LocalTime {
  const format = new Intl.DateTimeFormat("en-GB", {
    ...{ timeZone: zone, weekday: "long", hourCycle: "h23" },
    ...{ year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" },
  });
  const [begin, end] = [minutes(from), minutes(to)];
  let known: { readonly minute: number; readonly local: LocalTime } | undefined;
  return (now) => {
    const minuteOfNow = Math.floor(now / MINUTE_MS);
    if (known?.minute === minuteOfNow) return known.local;
    const part = new Map(format.formatToParts(now).map(({ type, value }) => [type, value]));
    const text = (name: Intl.DateTimeFormatPartTypes) => part.get(name) ?? "";
    const [weekday, hour, minute] = [text("weekday"), Number(text("hour")), Number(text("minute"))];
    const at = hour * 60 + minute;
    const local: LocalTime = {
      ...{ zone, date: `${text("year")}-${text("month")}-${text("day")}`, weekday, hour, minute },
      office_hours: days.includes(weekday) && at >= begin && at < end,
    };
    known = { minute: minuteOfNow, local };
    return local;
  };
}

function minutes(clock: string): number {
  const [hour = 0, minute = 0] = clock.split(":").map(Number);
  return hour * 60 + minute;
}
