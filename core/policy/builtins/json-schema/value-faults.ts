/** The keywords that look at a value alone: of numbers, of texts, of any value, and the uniqueness of items. */
import { MatcherInput, type RE2JS } from "re2js";
import { type BuiltinCall, BuiltinLimit, type Pay } from "../../builtin.ts";
import { compareNumberText, parseDecimal } from "../../rego-value/number.ts";
import type { RegoValue } from "../../rego-value/value.ts";
import { goFloat } from "../go-float.ts";
import { PaidText, PER_SEARCH } from "../regex/paid-text.ts";
import { hasFormat } from "./formats.ts";
import type { NormalTexts } from "./normal-json.ts";
import { fieldOf, type Outcome, type Path } from "./outcome.ts";
import type { Schema } from "./schema.ts";

/** In fuel, of a digit that is read, and of one that is divided; and of a character that is counted. Any number of schemas may ask for it. */
export const PER_DIGIT = 20;
const PER_DIGIT_DIVIDED = 120;
const PER_CHARACTER = 8;

export function numberFaults(schema: Schema, number: string, outcome: Outcome, path: Path, pay: Pay): void {
  const { multipleOf, maximum, exclusiveMaximum, minimum, exclusiveMinimum } = schema;
  const shown = (text: string): string => goFloat(Number(text), "g", undefined);
  const compare = (text: string): number => {
    pay((number.length + text.length) * PER_DIGIT);
    return Math.sign(compareNumberText(number, text));
  };
  if (multipleOf !== undefined && !isMultiple(number, multipleOf, pay)) {
    outcome.add("multiple_of", path, `Must be a multiple of ${shown(multipleOf)}`);
  }
  if (maximum !== undefined && compare(maximum) > 0) {
    outcome.add("number_lte", path, `Must be less than or equal to ${shown(maximum)}`);
  }
  if (exclusiveMaximum !== undefined && compare(exclusiveMaximum) >= 0) {
    outcome.add("number_lt", path, `Must be less than ${shown(exclusiveMaximum)}`);
  }
  if (minimum !== undefined && compare(minimum) < 0) {
    outcome.add("number_gte", path, `Must be greater than or equal to ${shown(minimum)}`);
  }
  if (exclusiveMinimum !== undefined && compare(exclusiveMinimum) <= 0) {
    outcome.add("number_gt", path, `Must be greater than ${shown(exclusiveMinimum)}`);
  }
  outcome.score++;
}

const MAX_EXPONENT = 1_000n;

/** Exact: 0.3 is a multiple of 0.1. */
function isMultiple(number: string, of: string, pay: Pay): boolean {
  pay((number.length + of.length) * PER_DIGIT_DIVIDED);
  const [a, b] = [parseDecimal(number), parseDecimal(of)];
  if (a === undefined || b === undefined || b.coefficient === "") return false;
  const shift = a.exponent - b.exponent;
  // A coefficient does not end in zero, so it is no multiple of ten.
  if (a.coefficient === "" || shift < 0n) return a.coefficient === "";
  if (shift > MAX_EXPONENT) throw new BuiltinLimit("a number is too large to be divided");
  return (BigInt(a.coefficient) * 10n ** shift) % BigInt(b.coefficient) === 0n;
}

export function isWhole(number: string): boolean {
  return (parseDecimal(number)?.exponent ?? -1n) >= 0n;
}

export function textFaults(schema: Schema, text: string, outcome: Outcome, path: Path, pay: Pay): void {
  const { minLength, maxLength } = schema;
  if (minLength !== undefined || maxLength !== undefined) {
    pay(text.length * PER_CHARACTER);
    const length = codePointsOf(text);
    if (length < (minLength ?? 0)) {
      outcome.add("string_gte", path, `String length must be greater than or equal to ${minLength}`);
    }
    if (length > (maxLength ?? Infinity)) {
      outcome.add("string_lte", path, `String length must be less than or equal to ${maxLength}`);
    }
  }
  if (schema.pattern !== undefined && !isFound(schema.pattern, text, pay)) {
    outcome.add("pattern", path, `Does not match pattern '${schema.patternText}'`);
  }
  outcome.score++;
}

/** NB: not by spreading the text, which makes a text of each of its characters. */
function codePointsOf(text: string): number {
  let count = text.length;
  for (let at = 1; at < text.length; at++) {
    if (isLowSurrogate(text.charCodeAt(at)) && isHighSurrogate(text.charCodeAt(at - 1))) count--;
  }
  return count;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}

/** Whether the pattern is anywhere in the text; paid as it is read, since any number of patterns may be tried on one text. */
export function isFound(pattern: RE2JS, text: string, pay: Pay): boolean {
  pay(PER_SEARCH);
  return pattern.matcher(MatcherInput.utf16(new PaidText(text, pattern, pay))).find();
}

type Values = {
  readonly schema: Schema;
  readonly value: RegoValue;
  readonly normal: NormalTexts;
  readonly call: BuiltinCall;
};

export function commonFaults({ schema, value, normal, call }: Values, outcome: Outcome, path: Path): void {
  const { constant, enumeration, format } = schema;
  if (constant !== undefined && normal.of(value) !== constant) {
    outcome.add("const", path, `${fieldOf(path)} does not match: ${constant}`);
  }
  if (enumeration !== undefined && !enumeration.values.has(normal.of(value))) {
    outcome.add("enum", path, `${fieldOf(path)} must be one of the following: ${enumeration.text}`);
  }
  if (format !== undefined && typeof value === "string" && !hasFormat(format, value, call)) {
    outcome.add("format", path, `Does not match format '${format}'`);
  }
  outcome.score++;
}

export function repeatedItems(items: readonly RegoValue[], normal: NormalTexts, outcome: Outcome, path: Path): void {
  const seen = new Map<string, number>();
  for (const [at, item] of items.entries()) {
    const text = normal.of(item);
    const before = seen.get(text);
    if (before !== undefined) outcome.add("unique", path, `array items[${before},${at}] must be unique`);
    seen.set(text, at);
  }
}
