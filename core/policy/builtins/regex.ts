/**
 * Regular expressions by re2js: linear time whatever the pattern. NB: JavaScript's own RegExp never sees a pattern from a
 * policy or a request; its backtracking would let one request hold the event loop.
 */
import { RE2JS, RE2JSException } from "re2js";
import {
  type BuiltinCall,
  BuiltinError,
  BuiltinLimit,
  builtinTable,
  MAX_BUILTIN_OUTPUT,
  smallIntegerArg,
  stringArg,
} from "../builtin.ts";

/** A pattern multiplies by its counts; beyond this, compiling it takes longer than a decision. */
const MAX_PATTERN = 16_384;
const MAX_EXPANDED = 200_000;
/** Instructions of a pattern times characters of a text, of one search: each step takes about 12 ns. */
const MAX_SEARCH_STEPS = 4_000_000;
/** In fuel. A search is paid by the characters that it got over, so what looks far ahead for each match is not paid whole. */
const PER_SEARCH = 1_000;
const PER_STEP = 15;

function refuseLongPattern(pattern: string): void {
  const counts = pattern.matchAll(/\{(\d{1,6})(?:,(\d{0,6}))?\}/g);
  let factor = 1;
  for (const [, least, most] of counts) factor += Math.max(Number(least), Number(most ?? 0));
  if (pattern.length > MAX_PATTERN || pattern.length * factor > MAX_EXPANDED) {
    throw new BuiltinLimit("the pattern is too long");
  }
}

function compile(pattern: string): RE2JS {
  refuseLongPattern(pattern);
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    if (error instanceof RE2JSException) throw new BuiltinError("invalid regular expression");
    throw error;
  }
}

function refuseLongSearch(compiled: RE2JS, text: string): void {
  if (compiled.programSize() * text.length > MAX_SEARCH_STEPS) throw new BuiltinLimit("the search takes too long");
}

type Match = { readonly start: number; readonly end: number; readonly groups: readonly (string | undefined)[] };

/** Go's matches, one after the other: an empty one right behind another is passed over. */
function* matches(compiled: RE2JS, text: string, { pay }: BuiltinCall, limit = -1): Generator<Match> {
  refuseLongSearch(compiled, text);
  const matcher = compiled.matcher(text);
  const stepsOf = (characters: number) => compiled.programSize() * characters * PER_STEP;
  let before = -1;
  pay(PER_SEARCH + stepsOf(text.length));
  for (let count = 0; count !== limit && matcher.find(); ) {
    const [start, end] = [matcher.start(), matcher.end()];
    pay(PER_SEARCH + stepsOf(end - start));
    const isRepeated = start === end && start === before;
    before = end;
    if (isRepeated) continue;
    count++;
    yield { start, end, groups: Array.from({ length: matcher.groupCount() + 1 }, (_, at) => groupOf(matcher, at)) };
  }
}

function groupOf(matcher: ReturnType<RE2JS["matcher"]>, at: number): string | undefined {
  return matcher.group(at) ?? undefined;
}

/** Go's template: `$name`, `${name}` and `$1`, the longest name counts; unknown groups are empty; `$$` is a dollar sign. */
const REFERENCE = /\$(?:\$|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu;

function replaceAll(text: string, pattern: string, template: string, call: BuiltinCall): string {
  const compiled = compile(pattern);
  const groupNames = new Map(Object.entries(compiled.namedGroups()));
  let replaced = "";
  let from = 0;
  for (const { start, end, groups } of matches(compiled, text, call)) {
    replaced += text.slice(from, start);
    replaced += template.replace(REFERENCE, (_, braced: string | undefined, bare: string | undefined) => {
      const name = braced ?? bare;
      if (name === undefined) return "$";
      const isNumber = /^(?:0|[1-9]\d{0,8})$/.test(name);
      return groups[isNumber ? Number(name) : (groupNames.get(name) ?? -1)] ?? "";
    });
    if (replaced.length > MAX_BUILTIN_OUTPUT) throw new BuiltinLimit("result is too large");
    from = end;
  }
  return replaced + text.slice(from);
}

function findN(pattern: string, text: string, limit: number, call: BuiltinCall): string[] {
  return Array.from(matches(compile(pattern), text, call, limit < 0 ? -1 : limit), ({ groups }) => groups[0] ?? "");
}

/** Go's regexp.Split without limit: an empty match at the start gives no empty part. */
function split(pattern: string, text: string, call: BuiltinCall): string[] {
  const compiled = compile(pattern);
  if (text === "") return pattern === "" ? [] : [""];
  const parts: string[] = [];
  let from = 0;
  let end = 0;
  for (const match of matches(compiled, text, call)) {
    end = match.start;
    if (match.end !== 0) parts.push(text.slice(from, end));
    from = match.end;
  }
  if (end !== text.length) parts.push(text.slice(from));
  return parts;
}

/** A template of literal text with expressions between delimiters, each expression anchored in place. */
function templatePattern(template: string, open: string, close: string): string {
  let pattern = "";
  let literal = "";
  let expression = "";
  let level = 0;
  for (const char of template) {
    if (char === open && level++ === 0) {
      pattern += RE2JS.quote(literal);
      literal = "";
    } else if (char === close && --level === 0) {
      pattern += `(${expression})`;
      expression = "";
    } else if (level < 0) throw new BuiltinError("unbalanced delimiters");
    else if (level > 0) expression += char;
    else literal += char;
  }
  if (level !== 0) throw new BuiltinError("unbalanced delimiters");
  return `^${pattern}${RE2JS.quote(literal)}$`;
}

/** Escapes what has meaning in `glob.match`. */
function quoteGlob(text: string): string {
  return text.replace(/[*?\\[\]{}]/g, (char) => `\\${char}`);
}

export const REGEX = builtinTable([
  ["regex.replace", (args, call) => replaceAll(stringArg(args, 0), stringArg(args, 1), stringArg(args, 2), call)],
  ["regex.find_n", (args, call) => findN(stringArg(args, 0), stringArg(args, 1), smallIntegerArg(args, 2), call)],
  ["regex.split", (args, call) => split(stringArg(args, 0), stringArg(args, 1), call)],
  [
    "regex.template_match",
    (args) => {
      const [open, close] = [stringArg(args, 2), stringArg(args, 3)];
      if ([...open].length !== 1 || [...close].length !== 1) throw new BuiltinError("delimiters must be one character");
      const compiled = compile(templatePattern(stringArg(args, 0), open, close));
      const text = stringArg(args, 1);
      refuseLongSearch(compiled, text);
      return compiled.matcher(text).find();
    },
  ],
  [
    "regex.find_all_string_submatch_n",
    (args, call) => {
      const limit = smallIntegerArg(args, 2);
      const found = matches(compile(stringArg(args, 0)), stringArg(args, 1), call, limit < 0 ? -1 : limit);
      return Array.from(found, ({ groups }) => groups.map((group) => group ?? ""));
    },
  ],
  ["glob.quote_meta", (args) => quoteGlob(stringArg(args, 0))],
]);
