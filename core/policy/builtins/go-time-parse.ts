/**
 * Reads a text by a Go time layout, chunk by chunk as Go's `time.Parse`: names in any case, spaces that stand for any
 * number of spaces, a fraction after the seconds whether or not the layout has one. Without an offset it is UTC: the name
 * of a zone tells none.
 */
import { BuiltinError } from "../builtin.ts";
import { instantOf } from "./civil-time.ts";
import { type Chunk, chunksOf, DAYS, MONTHS } from "./go-time-layout.ts";

type Parsed = {
  year: number;
  month: number | undefined;
  day: number | undefined;
  dayOfYear: number | undefined;
  hour: number;
  minute: number;
  second: number;
  nanos: number;
  half: "am" | "pm" | undefined;
  offsetSeconds: number;
};

/** Nanoseconds since 1970; may be beyond 64 bits. */
export function parseLayout(layout: string, text: string): bigint {
  const reader = new Reader(text);
  const chunks = chunksOf(layout);
  for (const [index, { literal, token }] of chunks.entries()) {
    reader.skip(literal);
    if (token !== "") reader.token(token, chunks[index + 1]);
  }
  reader.end();
  return instant(reader.parsed);
}

const ZONE_NAME = /^(?:ChST|MeST|GMT(?:[+-]\d+)?|[+-]\d+|WITA|[A-Z]{4}T(?![A-Z])|[A-Z]{3}T(?![A-Z])|[A-Z]{3}(?![A-Z]))/;

class Reader {
  #rest: string;
  readonly parsed: Parsed = {
    year: 0,
    month: undefined,
    day: undefined,
    dayOfYear: undefined,
    hour: 0,
    minute: 0,
    second: 0,
    nanos: 0,
    half: undefined,
    offsetSeconds: 0,
  };

  constructor(text: string) {
    this.#rest = text;
  }

  end(): void {
    if (this.#rest !== "") throw mismatch();
  }

  skip(literal: string): void {
    for (const part of literal.match(/ +|[^ ]+/g) ?? []) {
      if (part.startsWith(" ")) {
        if (this.#rest !== "" && !this.#rest.startsWith(" ")) throw mismatch();
        this.#rest = this.#rest.replace(/^ +/, "");
      } else {
        if (!this.#rest.startsWith(part)) throw mismatch();
        this.#rest = this.#rest.slice(part.length);
      }
    }
  }

  token(token: string, next: Chunk | undefined): void {
    const { parsed } = this;
    switch (token) {
      case "January":
      case "Jan":
        parsed.month = this.#name(token === "Jan" ? MONTHS.map(short) : MONTHS) + 1;
        return;
      case "Monday":
      case "Mon":
        this.#name(token === "Mon" ? DAYS.map(short) : DAYS);
        return;
      case "2006":
        parsed.year = Number(this.#take(/^\d{4}/));
        return;
      case "06":
        parsed.year = Number(this.#take(/^\d\d/));
        parsed.year += parsed.year >= 69 ? 1900 : 2000;
        return;
      case "01":
      case "1":
        parsed.month = this.#number(token, 1, 12);
        return;
      case "_2":
      case "02":
      case "2":
        if (token === "_2") this.#take(/^ ?/);
        parsed.day = this.#number(token, 0, 99);
        return;
      case "__2":
      case "002":
        if (token === "__2") this.#take(/^ {0,2}/);
        parsed.dayOfYear = Number(this.#take(token === "002" ? /^\d{3}/ : /^\d{1,3}/));
        return;
      case "15":
        parsed.hour = this.#number("1", 0, 23);
        return;
      case "03":
      case "3":
        parsed.hour = this.#number(token, 0, 12);
        return;
      case "04":
      case "4":
        parsed.minute = this.#number(token, 0, 59);
        return;
      case "05":
      case "5":
        parsed.second = this.#number(token, 0, 59);
        this.#fractionAfterSeconds(next);
        return;
      case "PM":
        parsed.half = this.#take(/^[AP]M/) === "PM" ? "pm" : "am";
        return;
      case "pm":
        parsed.half = this.#take(/^[ap]m/) === "pm" ? "pm" : "am";
        return;
      case "MST":
        this.#zoneName();
        return;
      default:
        this.#fractionOrOffset(token);
    }
  }

  #fractionOrOffset(token: string): void {
    if (/^[.,]0/.test(token)) this.#exactFraction(token.length - 1);
    else if (!/^[.,]/.test(token)) this.#offset(token);
    else if (/^[.,]\d/.test(this.#rest)) this.#fraction(/^[.,]\d+/);
  }

  #exactFraction(count: number): void {
    const digits = /^[.,](\d+)/.exec(this.#rest)?.[1] ?? "";
    if (digits.length < count) throw mismatch();
    this.parsed.nanos = Number(digits.slice(0, Math.min(count, 9)).padEnd(9, "0"));
    this.#rest = this.#rest.slice(1 + count);
  }

  #fractionAfterSeconds(next: Chunk | undefined): void {
    const isInLayout = next?.literal === "" && /^[.,]/.test(next.token);
    if (!isInLayout && /^[.,]\d/.test(this.#rest)) this.#fraction(/^[.,]\d+/);
  }

  #fraction(pattern: RegExp): void {
    this.parsed.nanos = Number(this.#take(pattern).slice(1, 10).padEnd(9, "0"));
  }

  #offset(token: string): void {
    if (token.startsWith("Z") && this.#rest.startsWith("Z")) {
      this.#rest = this.#rest.slice(1);
      return;
    }
    const separator = token.includes(":") ? ":" : "";
    const count = token.length <= 3 ? 1 : token.length <= 6 ? 2 : 3;
    const sign = this.#take(/^[+-]/);
    const parts = [0, 0, 0];
    for (let at = 0; at < count; at++) {
      if (at > 0) this.skip(separator);
      parts[at] = Number(this.#take(/^\d\d/));
    }
    const [hours = 0, minutes = 0, seconds = 0] = parts;
    if (hours > 24 || minutes > 60 || seconds > 60) throw outOfRange();
    this.parsed.offsetSeconds = ((hours * 60 + minutes) * 60 + seconds) * (sign === "-" ? -1 : 1);
  }

  #zoneName(): void {
    if (this.#rest.startsWith("UTC")) {
      this.#rest = this.#rest.slice(3);
      return;
    }
    const name = this.#take(ZONE_NAME);
    if (Math.abs(Number(/[+-]\d+$/.exec(name)?.[0] ?? "0")) > 23) throw mismatch();
  }

  #name(names: readonly string[]): number {
    const lower = this.#rest.toLowerCase();
    const found = names.findIndex((name) => lower.startsWith(name.toLowerCase()));
    if (found < 0) throw mismatch();
    this.#rest = this.#rest.slice(names[found]?.length ?? 0);
    return found;
  }

  /** Two digits when the token begins with 0, else one or two. */
  #number(token: string, low: number, high: number): number {
    const value = Number(this.#take(token.startsWith("0") ? /^\d\d/ : /^\d\d?/));
    if (value < low || value > high) throw outOfRange();
    return value;
  }

  #take(pattern: RegExp): string {
    const found = pattern.exec(this.#rest)?.[0];
    if (found === undefined) throw mismatch();
    this.#rest = this.#rest.slice(found.length);
    return found;
  }
}

function short(name: string): string {
  return name.slice(0, 3);
}

function mismatch(): BuiltinError {
  return new BuiltinError("time does not match the layout");
}

function outOfRange(): BuiltinError {
  return new BuiltinError("time out of range");
}

function instant(parsed: Parsed): bigint {
  const { year, minute, second, nanos, half, offsetSeconds } = parsed;
  const hour =
    half === "pm" && parsed.hour < 12 ? parsed.hour + 12 : half === "am" && parsed.hour === 12 ? 0 : parsed.hour;
  const { month, day } = dateOf(parsed);
  if (day < 1 || day > daysIn(year, month)) throw outOfRange();
  const fields = { year, month, day, hour, minute, second, nanos, offsetMinutes: 0, zone: "UTC" };
  return instantOf(fields, "UTC") - BigInt(offsetSeconds) * 1_000_000_000n;
}

function dateOf({ year, month, day, dayOfYear }: Parsed): { readonly month: number; readonly day: number } {
  if (dayOfYear === undefined) return { month: month ?? 1, day: day ?? 1 };
  if (dayOfYear < 1 || dayOfYear > (daysIn(year, 2) === 29 ? 366 : 365)) throw outOfRange();
  const date = new Date(Date.UTC(2000, 0, 1));
  date.setUTCFullYear(year, 0, dayOfYear);
  const found = { month: date.getUTCMonth() + 1, day: date.getUTCDate() };
  if ((month ?? found.month) !== found.month || (day ?? found.day) !== found.day) throw outOfRange();
  return found;
}

function daysIn(year: number, month: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month, 0);
  return date.getUTCDate();
}
