/**
 * Regular expressions by re2js: linear time whatever the pattern. NB: JavaScript's own RegExp never sees a pattern from a
 * policy or a request; its backtracking would let one request hold the event loop.
 */
import { RE2JS, RE2JSException } from "re2js";
import { BuiltinError, builtinTable, smallIntegerArg, stringArg } from "../builtin.ts";

function compile(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    if (error instanceof RE2JSException) throw new BuiltinError("invalid regular expression");
    throw error;
  }
}

/** Go's template: `$name`, `${name}` and `$1`, the longest name counts; unknown groups are empty; `$$` is a dollar sign. */
const REFERENCE = /\$(?:\$|\{(\w+)\}|(\w+))/g;

function replaceAll(text: string, pattern: string, template: string): string {
  const compiled = compile(pattern);
  const matcher = compiled.matcher(text);
  const groupNames = new Set(Object.keys(compiled.namedGroups()));
  let replaced = "";
  let from = 0;
  while (matcher.find()) {
    replaced += text.slice(from, matcher.start());
    replaced += template.replace(REFERENCE, (whole, braced: string | undefined, bare: string | undefined) => {
      const name = braced ?? bare;
      if (name === undefined) return whole === "$$" ? "$" : whole;
      if (/^\d+$/.test(name)) return Number(name) <= matcher.groupCount() ? (matcher.group(Number(name)) ?? "") : "";
      return groupNames.has(name) ? (matcher.group(name) ?? "") : "";
    });
    from = matcher.end();
  }
  return replaced + text.slice(from);
}

function findN(pattern: string, text: string, limit: number): string[] {
  const matcher = compile(pattern).matcher(text);
  const found: string[] = [];
  while ((limit < 0 || found.length < limit) && matcher.find()) found.push(matcher.group() ?? "");
  return found;
}

/** Go's regexp.Split without limit: an empty match at the start gives no empty part. */
function split(pattern: string, text: string): string[] {
  if (text === "") return pattern === "" ? [] : [""];
  const matcher = compile(pattern).matcher(text);
  const parts: string[] = [];
  let from = 0;
  let end = 0;
  while (matcher.find()) {
    end = matcher.start();
    if (matcher.end() !== 0) parts.push(text.slice(from, end));
    from = matcher.end();
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
  ["regex.replace", (args) => replaceAll(stringArg(args, 0), stringArg(args, 1), stringArg(args, 2))],
  ["regex.find_n", (args) => findN(stringArg(args, 0), stringArg(args, 1), smallIntegerArg(args, 2))],
  ["regex.split", (args) => split(stringArg(args, 0), stringArg(args, 1))],
  [
    "regex.template_match",
    (args) => {
      const [open, close] = [stringArg(args, 2), stringArg(args, 3)];
      if ([...open].length !== 1 || [...close].length !== 1) throw new BuiltinError("delimiters must be one character");
      return compile(templatePattern(stringArg(args, 0), open, close))
        .matcher(stringArg(args, 1))
        .find();
    },
  ],
  [
    "regex.find_all_string_submatch_n",
    (args) => {
      const matcher = compile(stringArg(args, 0)).matcher(stringArg(args, 1));
      const limit = smallIntegerArg(args, 2);
      const found: string[][] = [];
      while ((limit < 0 || found.length < limit) && matcher.find()) {
        found.push(Array.from({ length: matcher.groupCount() + 1 }, (_, group) => matcher.group(group) ?? ""));
      }
      return found;
    },
  ],
  ["glob.quote_meta", (args) => quoteGlob(stringArg(args, 0))],
]);
