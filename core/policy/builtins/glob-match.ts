/**
 * `glob.match` as OPA has it, by gobwas/glob (glob/compile.ts). The module's own is another library, to which `**` between two
 * separators is at least one part.
 */
import { type Builtin, type BuiltinCall, BuiltinError, builtinTable, stringArg, wrongType } from "../builtin.ts";
import { isRegoArray, type RegoValue } from "../rego-value/value.ts";
import { toBytes } from "./glob/bytes-text.ts";
import { compileGlob } from "./glob/compile.ts";
import type { Matcher, Spend } from "./glob/matchers.ts";
import { parseGlob } from "./glob/syntax.ts";

/** In fuel: of a character of the pattern, of a look at a text, and of each byte that is looked at. */
const PER_CHARACTER = 8_000;
const PER_LOOK = 1_000;
const PER_BYTE = 250;

/** Most policies have a few patterns, all constant. */
const KEPT = 256;
/** Characters of all kept patterns together. */
const KEPT_SIZE = 65_536;

type Compiled = { readonly matcher: Matcher; readonly price: number };

const kept = new Map<string, Compiled>();
let keptSize = 0;
/** An evaluation pays for each pattern once, by what it takes to compile it, whether it was kept from an earlier one or not. */
const paidFor = new WeakMap<BuiltinCall, Map<string, Matcher>>();

function compiled(pattern: string, separators: readonly number[], call: BuiltinCall): Matcher {
  const paid = paidFor.get(call) ?? new Map<string, Matcher>();
  paidFor.set(call, paid);
  const key = `${separators.join(",")}:${pattern}`;
  const before = paid.get(key);
  if (before !== undefined) return before;
  const found = kept.get(key);
  if (found !== undefined) call.pay(found.price);
  const { matcher, price } = found ?? compiledNow(pattern, separators, call);
  paid.set(key, matcher);
  if (found === undefined) keep(key, { matcher, price });
  return matcher;
}

function keep(key: string, one: Compiled): void {
  if (key.length > KEPT_SIZE) return;
  if (kept.size >= KEPT || keptSize + key.length > KEPT_SIZE) {
    kept.clear();
    keptSize = 0;
  }
  kept.set(key, one);
  keptSize += key.length;
}

function compiledNow(pattern: string, separators: readonly number[], call: BuiltinCall): Compiled {
  let price = 0;
  const pay = (fuel: number) => {
    price += fuel;
    call.pay(fuel);
  };
  pay(pattern.length * PER_CHARACTER);
  const spend: Spend = (bytes) => pay(PER_LOOK + bytes * PER_BYTE);
  return { matcher: compileGlob(parseGlob(pattern), separators, spend), price };
}

const match: Builtin = (args, call) => {
  const [pattern, text] = [stringArg(args, 0), stringArg(args, 2)];
  const separators = separatorsOf(args[1]);
  const spend: Spend = (bytes) => call.pay(PER_LOOK + bytes * PER_BYTE);
  const matcher = compiled(pattern, separators, call);
  const bytes = toBytes(text);
  spend(bytes.length);
  return matcher.matches(bytes, spend);
};

/** Of none given there is the point. */
function separatorsOf(value: RegoValue | undefined): readonly number[] {
  if (value === null) return [];
  if (!isRegoArray(value)) throw wrongType(1, "array or null");
  const separators = value.map((_, at) => {
    const [character, ...more] = [...stringArg(value, at).toWellFormed()];
    if (character === undefined || more.length > 0) throw new BuiltinError("a delimiter must be one character");
    return character.codePointAt(0) ?? 0;
  });
  return separators.length === 0 ? [DOT] : separators;
}

const DOT = 46;

export const GLOB_MATCH = builtinTable([["glob.match", match]]);
