/**
 * Instants and durations. Time is always a parameter (rule 8): nothing in `domain` reads a clock, and times that must not be confused have
 * different types. An `Instant` is whole milliseconds since the Unix epoch; a database time is rounded down, so it never looks newer than it is.
 */
import { AppError } from "./app-error.ts";

declare const instantBrand: unique symbol;
declare const durationBrand: unique symbol;

/** Whole milliseconds since 1970-01-01T00:00:00Z. */
export type Instant = number & { readonly [instantBrand]: true };

/** A length of time in whole milliseconds, never negative. */
export type DurationMs = number & { readonly [durationBrand]: true };

/** 9999-12-31T23:59:59.999Z. NB: RFC 3339 has four digits for the year; a later time would be written and never read. */
const LAST_INSTANT_MS = 253_402_300_799_999;

function isInstant(value: number): value is Instant {
  return Number.isSafeInteger(value) && value >= 0 && value <= LAST_INSTANT_MS;
}

function isDurationMs(value: number): value is DurationMs {
  return Number.isSafeInteger(value) && value >= 0;
}

/** @throws AppError invalid_argument when the number is not a whole, non-negative count of milliseconds before the year 10000. */
export function instant(epochMs: number): Instant {
  if (!isInstant(epochMs)) throw new AppError("invalid_argument", `not an instant: ${epochMs}`);
  return epochMs;
}

/** @throws AppError invalid_argument when the number is not a whole, non-negative count of milliseconds. */
export function durationMs(ms: number): DurationMs {
  if (!isDurationMs(ms)) throw new AppError("invalid_argument", `not a duration: ${ms}`);
  return ms;
}

export function plus(at: Instant, length: DurationMs): Instant {
  return instant(at + length);
}

/** `at`, or `end` when there is one and it is sooner. */
export function earlier(at: Instant, end: Instant | undefined): Instant {
  return end !== undefined && end < at ? end : at;
}

/** Of the last one its second, which thousands are of: to write it is nearly all that a time costs. */
let written = { second: Number.NaN, text: "" };

export function rfc3339(at: Instant): string {
  const second = Math.floor(at / 1_000);
  if (second !== written.second) written = { second, text: new Date(second * 1_000).toISOString().slice(0, -4) };
  return `${written.text}${String(at - second * 1_000).padStart(3, "0")}Z`;
}

/** RFC 3339 with a zone designator. @throws AppError invalid_argument */
export function parseRfc3339(text: string): Instant {
  const withZone = /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.exec(text);
  // NB: Date.parse rolls the 30th of February over into March, where some other reader says something else.
  const exists = withZone !== null && Number(withZone[3]) <= daysIn(Number(withZone[1]), Number(withZone[2]));
  const ms = exists ? Math.floor(Date.parse(text)) : Number.NaN;
  if (!isInstant(ms)) throw new AppError("invalid_argument", "not an RFC 3339 time with a zone");
  return ms;
}

function daysIn(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
]);

/** A duration as policies and requests write it: `^\d+[smh]$`, at least one second, at most 10,000 hours. */
export function parseDuration(text: string): DurationMs | undefined {
  const match = /^(\d{1,9})([smh])$/.exec(text);
  const unitMs = UNIT_MS.get(match?.[2] ?? "");
  if (match === null || unitMs === undefined) return undefined;
  const ms = Number(match[1]) * unitMs;
  return ms >= 1_000 && ms <= 36_000_000_000 && isDurationMs(ms) ? ms : undefined;
}

/** The shortest text that `parseDuration` reads back to the same length, rounded down to whole seconds. */
export function formatDuration(length: DurationMs): string {
  const seconds = Math.floor(length / 1_000);
  if (seconds % 3_600 === 0) return `${seconds / 3_600}h`;
  return seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`;
}
