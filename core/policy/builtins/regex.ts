/**
 * Regular expressions by re2js: linear time whatever the pattern. NB: JavaScript's own RegExp never sees a pattern from a
 * policy or a request; its backtracking would let one request hold the event loop.
 */
import { MatcherInput, RE2JS } from "re2js";
import { type BuiltinCall, BuiltinError, builtinTable, smallIntegerArg, stringArg } from "../builtin.ts";
import { MadeText } from "./made-text.ts";
import { compile } from "./regex/compile.ts";
import { PaidText, PER_GROUP, PER_SEARCH } from "./regex/paid-text.ts";

type Match = { readonly start: number; readonly end: number; readonly groups: readonly (string | undefined)[] };

/** Go's matches, one after the other: an empty one right behind another is passed over. */
function* matches(compiled: RE2JS, text: string, { pay }: BuiltinCall, limit = -1): Generator<Match> {
  const matcher = compiled.matcher(MatcherInput.utf16(new PaidText(text, compiled, pay)));
  let before = -1;
  for (let count = 0; count !== limit; ) {
    pay(PER_SEARCH + matcher.groupCount() * PER_GROUP);
    if (!matcher.find()) return;
    const [start, end] = [matcher.start(), matcher.end()];
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

/** In fuel: of each character of a template, at each match. */
const PER_TEMPLATE_CHARACTER = 60;

/** Go's template: `$name`, `${name}` and `$1`, the longest name counts; unknown groups are empty; `$$` is a dollar sign. */
const REFERENCE = /\$(?:\$|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu;

function replaceAll(text: string, pattern: string, template: string, call: BuiltinCall): string {
  const compiled = compile(pattern, call);
  const parts = partsOf(template, new Map(Object.entries(compiled.namedGroups())));
  const replaced = new MadeText(call.pay);
  let from = 0;
  for (const { start, end, groups } of matches(compiled, text, call)) {
    call.pay(template.length * PER_TEMPLATE_CHARACTER);
    replaced.add(text.slice(from, start));
    for (const part of parts) replaced.add(typeof part === "string" ? part : (groups[part] ?? ""));
    from = end;
  }
  replaced.add(text.slice(from));
  return replaced.text;
}

/** Texts, and groups by their number; one that there is none of is -1. */
function partsOf(template: string, groupNames: ReadonlyMap<string, number>): readonly (string | number)[] {
  const parts: (string | number)[] = [];
  let from = 0;
  for (const { 0: reference, 1: braced, 2: bare, index } of template.matchAll(REFERENCE)) {
    parts.push(template.slice(from, index));
    from = index + reference.length;
    const name = braced ?? bare;
    const isNumber = name !== undefined && /^(?:0|[1-9]\d{0,8})$/.test(name);
    parts.push(name === undefined ? "$" : isNumber ? Number(name) : (groupNames.get(name) ?? -1));
  }
  parts.push(template.slice(from));
  return parts.filter((part) => part !== "");
}

function findN(pattern: string, text: string, limit: number, call: BuiltinCall): string[] {
  return Array.from(
    matches(compile(pattern, call), text, call, limit < 0 ? -1 : limit),
    ({ groups }) => groups[0] ?? "",
  );
}

/** Go's regexp.Split without limit: an empty match at the start gives no empty part. */
function split(pattern: string, text: string, call: BuiltinCall): string[] {
  const compiled = compile(pattern, call);
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

/**
 * A template of literal text with expressions between delimiters, each expression anchored in place. NB: each has to be one by itself:
 * `x{a)|(b}` would match far more than its author wrote.
 */
function templatePattern(template: string, [open, close]: readonly [string, string], call: BuiltinCall): string {
  let pattern = "";
  let literal = "";
  let expression = "";
  let level = 0;
  for (const char of template) {
    if (char === open && level++ === 0) {
      pattern += RE2JS.quote(literal);
      literal = "";
    } else if (char === close && --level === 0) {
      compile(`^${expression}$`, call);
      pattern += `(${expression})`;
      expression = "";
    } else if (level < 0) throw new BuiltinError("unbalanced delimiters");
    else if (level > 0) expression += char;
    else literal += char;
  }
  if (level !== 0) throw new BuiltinError("unbalanced delimiters");
  return `^${pattern}${RE2JS.quote(literal)}$`;
}

function isValid(pattern: string, call: BuiltinCall): boolean {
  try {
    compile(pattern, call);
    return true;
  } catch (error) {
    if (error instanceof BuiltinError) return false;
    throw error;
  }
}

/** Escapes what has meaning in `glob.match`. */
function quoteGlob(text: string): string {
  return text.replace(/[*?\\[\]{}]/g, (char) => `\\${char}`);
}

export const REGEX = builtinTable([
  ["regex.is_valid", ([pattern], call) => typeof pattern === "string" && isValid(pattern, call)],
  ["regex.match", (args, call) => !matches(compile(stringArg(args, 0), call), stringArg(args, 1), call, 1).next().done],
  ["regex.replace", (args, call) => replaceAll(stringArg(args, 0), stringArg(args, 1), stringArg(args, 2), call)],
  ["regex.find_n", (args, call) => findN(stringArg(args, 0), stringArg(args, 1), smallIntegerArg(args, 2), call)],
  ["regex.split", (args, call) => split(stringArg(args, 0), stringArg(args, 1), call)],
  [
    "regex.template_match",
    (args, call) => {
      const [open, close] = [stringArg(args, 2), stringArg(args, 3)];
      // Of one byte, to OPA.
      if (Buffer.byteLength(open) !== 1 || Buffer.byteLength(close) !== 1)
        throw new BuiltinError("delimiters must be one character of ASCII");
      const compiled = compile(templatePattern(stringArg(args, 0), [open, close], call), call);
      return !matches(compiled, stringArg(args, 1), call, 1).next().done;
    },
  ],
  [
    "regex.find_all_string_submatch_n",
    (args, call) => {
      const limit = smallIntegerArg(args, 2);
      const found = matches(compile(stringArg(args, 0), call), stringArg(args, 1), call, limit < 0 ? -1 : limit);
      return Array.from(found, ({ groups }) => groups.map((group) => group ?? ""));
    },
  ],
  ["glob.quote_meta", (args) => quoteGlob(stringArg(args, 0))],
]);
