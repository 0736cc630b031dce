/**
 * What a text of Rego consists of. Which word is a keyword depends on imports, so it is not decided here; and the rest of a template
 * string, after the brace that ends an expression in it, is read only when it is asked for.
 */
import { BuiltinError } from "../../builtin.ts";

export type Token = {
  /** `identifier`, `number`, `string`, `template` (goes on with an expression), `template end`, `space`, `comment`, `end`, or the symbol itself. */
  readonly kind: string;
  /** The characters; of strings, what they mean. */
  readonly text: string;
  readonly from: number;
  readonly to: number;
};

export function fault(what: string): BuiltinError {
  return new BuiltinError(`rego_parse_error: ${what}`);
}

/** NB: each is linear in what it looks at. Escapes beyond these are refused, and digits before a letter are no number. */
const PATTERNS: readonly (readonly [kind: string, pattern: RegExp])[] = [
  ["space", /[ \t\r\n]+/y],
  ["identifier", /[A-Za-z_][A-Za-z_0-9\p{Nd}]*/uy],
  ["symbol", /:=|[=!<>]=|[[\]{}(),:+\-*/%&|=<>;.]/y],
  ["string", /"[^"\\\n]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\n]*)*"/y],
  ["number", /\d+(?:\.\d+(?:[eE][+-]?\d+)?|[eE][+-]?\d+|(?!\.))(?![A-Za-z_0-9])/y],
  ["comment", /#[^\n]*/y],
  ["raw string", /`[^`]*`/y],
];
const TEMPLATE = /[^"\\\n{]*(?:\\(?:["\\/bfnrt{]|u[0-9a-fA-F]{4})[^"\\\n{]*)*["{]/y;
const RAW_TEMPLATE = /[^`\\{]*(?:\\(?:\{|(?!\{))[^`\\{]*)*[`{]/y;

export function tokenAt(source: string, at: number): Token {
  if (at >= source.length) return { kind: "end", text: "", from: at, to: at };
  if (source[at] === "$") return templateStart(source, at);
  for (const [kind, pattern] of PATTERNS) {
    const found = match(pattern, source, at);
    if (found !== undefined) return tokenOf(kind, found, at);
  }
  throw fault("illegal token");
}

function tokenOf(kind: string, found: string, from: number): Token {
  const token = { kind, text: found, from, to: from + found.length };
  if (kind === "symbol") return { ...token, kind: found };
  if (kind === "string") return { ...token, text: unescaped(found.slice(1, -1)) };
  return kind === "raw string" ? { ...token, kind: "string", text: found.slice(1, -1) } : token;
}

function templateStart(source: string, from: number): Token {
  const quote = source[from + 1];
  if (quote !== '"' && quote !== "`") throw fault("illegal $ character");
  return { ...templateAt(source, from + 2, quote === "`"), from };
}

/** The text of a template string from there on, up to its next expression or its end. */
export function templateAt(source: string, from: number, isRaw: boolean): Token {
  const found = match(isRaw ? RAW_TEMPLATE : TEMPLATE, source, from);
  if (found === undefined) throw fault("non-terminated string");
  const kind = found.endsWith("{") ? "template" : "template end";
  const inner = found.slice(0, -1);
  const text = isRaw ? inner.replaceAll("\\{", "{") : unescaped(inner.replace(/\\([^])/g, keepEscape));
  return { kind, text, from, to: from + found.length };
}

const keepEscape = (escape: string, char: string): string => (char === "{" ? char : escape);

function match(pattern: RegExp, source: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(source)?.[0];
}

/** As Go does: control characters may stand in a string that has no escape, and half a surrogate pair is U+FFFD. */
function unescaped(inner: string): string {
  if (!inner.includes("\\")) return inner;
  try {
    const read: unknown = JSON.parse(`"${inner}"`);
    if (typeof read === "string") return read.toWellFormed();
  } catch {
    // It has a control character.
  }
  throw fault("illegal string literal");
}
