/**
 * A pattern → what can be searched with. An evaluation pays for each pattern once, by its size, whether it was kept from an
 * earlier evaluation or not: equal inputs have equal costs.
 */
import { RE2JS, RE2JSException } from "re2js";
import { type BuiltinCall, BuiltinError, BuiltinLimit } from "../../builtin.ts";

/** A pattern multiplies by its counts; beyond this, compiling it takes longer than a decision. */
const MAX_PATTERN = 16_384;
const MAX_EXPANDED = 200_000;
/** In fuel: of any pattern, and of each of its characters and instructions. */
const PER_PATTERN = 80_000;
const PER_PART = 1_500;
/** Most policies have a few patterns, all constant. */
const KEPT = 256;

const kept = new Map<string, RE2JS>();
const paidFor = new WeakMap<BuiltinCall, Set<string>>();

/** @throws BuiltinError when it is no regular expression */
export function compile(pattern: string, call: BuiltinCall): RE2JS {
  const compiled = kept.get(pattern) ?? compiledNow(pattern);
  const paid = paidFor.get(call) ?? new Set();
  paidFor.set(call, paid);
  if (!paid.has(pattern)) {
    paid.add(pattern);
    call.pay(PER_PATTERN + (compiled.programSize() + pattern.length) * PER_PART);
  }
  return compiled;
}

function compiledNow(pattern: string): RE2JS {
  refuseLongPattern(pattern);
  try {
    const compiled = RE2JS.compile(pattern);
    if (kept.size >= KEPT) kept.clear();
    kept.set(pattern, compiled);
    return compiled;
  } catch (error) {
    if (error instanceof RE2JSException) throw new BuiltinError("invalid regular expression");
    throw error;
  }
}

function refuseLongPattern(pattern: string): void {
  const counts = pattern.matchAll(/\{(\d{1,6})(?:,(\d{0,6}))?\}/g);
  let factor = 1;
  for (const [, least, most] of counts) factor += Math.max(Number(least), Number(most ?? 0));
  if (pattern.length > MAX_PATTERN || pattern.length * factor > MAX_EXPANDED) {
    throw new BuiltinLimit("the pattern is too long");
  }
}
