/**
 * A pattern → what can be searched with. An evaluation pays for each pattern once, by its size, whether it was kept from an
 * earlier evaluation or not: equal inputs have equal costs.
 */
import { RE2JS, RE2JSException } from "re2js";
import { type BuiltinCall, BuiltinError, BuiltinLimit } from "../../builtin.ts";
import { expandedSize } from "./expanded-size.ts";

/** A pattern multiplies by its counts; beyond this, compiling it takes longer than a decision. */
const MAX_PATTERN = 16_384;
const MAX_EXPANDED = 200_000;
/** In fuel: of any pattern, and of each of its characters and instructions. */
const PER_PATTERN = 80_000;
const PER_PART = 1_500;
/** Most policies have a few patterns, all constant. */
const KEPT = 256;
/** Instructions of all kept programs: each takes some 200 bytes. */
const KEPT_SIZE = 100_000;

const kept = new Map<string, RE2JS>();
let keptSize = 0;
/** What an evaluation has paid for stays with it, whatever the others push out meanwhile. */
const paidFor = new WeakMap<BuiltinCall, Map<string, RE2JS>>();

/** @throws BuiltinError when it is no regular expression */
export function compile(pattern: string, call: BuiltinCall): RE2JS {
  const paid = paidFor.get(call) ?? new Map<string, RE2JS>();
  paidFor.set(call, paid);
  const before = paid.get(pattern);
  if (before !== undefined) return before;
  refuseLongPattern(pattern);
  const expected = expandedSize(pattern);
  // NB: before it is made; what turns out to be larger than it looked pays the rest, and is not kept before it has.
  call.pay(PER_PATTERN + (expected + pattern.length) * PER_PART);
  const compiled = kept.get(pattern) ?? compiledNow(pattern);
  call.pay(Math.max(0, compiled.programSize() - expected) * PER_PART);
  paid.set(pattern, compiled);
  keep(pattern, compiled);
  return compiled;
}

function keep(pattern: string, compiled: RE2JS): void {
  const size = compiled.programSize();
  if (kept.has(pattern) || size > KEPT_SIZE) return;
  if (kept.size >= KEPT || keptSize + size > KEPT_SIZE) {
    kept.clear();
    keptSize = 0;
  }
  kept.set(pattern, compiled);
  keptSize += size;
}

function compiledNow(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
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
