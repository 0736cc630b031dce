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

/** An evaluation pays for each pattern once. */
const compiledFor = new WeakMap<BuiltinCall, Map<string, Matcher>>();

const match: Builtin = (args, call) => {
  const [pattern, text] = [stringArg(args, 0), stringArg(args, 2)];
  const separators = separatorsOf(args[1]);
  const spend: Spend = (bytes) => call.pay(PER_LOOK + bytes * PER_BYTE);
  const compiled = compiledFor.get(call) ?? new Map<string, Matcher>();
  compiledFor.set(call, compiled);
  const key = `${separators.join(",")}:${pattern}`;
  let matcher = compiled.get(key);
  if (matcher === undefined) {
    call.pay(pattern.length * PER_CHARACTER);
    matcher = compileGlob(parseGlob(pattern), separators, spend);
    compiled.set(key, matcher);
  }
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
