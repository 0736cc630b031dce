/**
 * Reads Rego value text (what `opa_value_dump` writes) or strict JSON into values, keeping number text exactly. JSON is
 * read as Go reads it: one value and nothing after it, the last of two equal keys wins (unless it may not be ambiguous), an unpaired surrogate escape is
 * U+FFFD, and too many levels are an error. Hand-written because `JSON.parse` loses digits and cannot read sets.
 *
 * Over 150 lines would be a grammar; this is one recursive descent over seven kinds of value.
 */
import { AppError } from "../../domain/app-error.ts";
import { regoSet } from "./order.ts";
import { RegoNumber, RegoObject, RegoSet, type RegoValue } from "./value.ts";

/** Go stops at 10,000. The parser inside WebAssembly needs stack for each level, so we stop earlier. */
const MAX_DEPTH = 2_000;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
/** Also `5.`, which the runtime makes of a text: only the writing of JSON refuses it. */
const RUNTIME_NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d*)?(?:[eE][+-]?\d+)?/y;
const NOT_PLAIN = /[\\\u0000-\u001f]/;
const ANY_STRING = /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*"/y;

/** Go, and so OPA, would have read on. */
export class TooDeep extends AppError {
  constructor() {
    super("invalid_argument", "exceeded max depth");
  }
}

/** `unambiguous_json`: JSON in which no object has a name twice; of two, some readers take the first and some the last. */
type Grammar = "json" | "unambiguous_json" | "rego";

/** Throws `AppError("invalid_argument")` with the position, or `TooDeep`; the text itself never appears in the message. */
export function parseValue(text: string, grammar: Grammar): RegoValue {
  return parseCounted(text, grammar).value;
}

/** `count`: how many values it holds, keys and itself included. Throws as `parseValue` does. */
export function parseCounted(text: string, grammar: Grammar): { readonly value: RegoValue; readonly count: number } {
  const reader = new Reader(text, grammar);
  const value = reader.value(1);
  reader.end();
  return { value, count: reader.count };
}

/** The value that a text begins with, and what stands behind it. Throws as `parseValue` does. */
export function parseFirst(text: string): { readonly value: RegoValue; readonly count: number; readonly rest: string } {
  const reader = new Reader(text, "json");
  const value = reader.value(1);
  return { value, count: reader.count, rest: reader.rest() };
}

class Reader {
  readonly #text: string;
  readonly #grammar: Grammar;
  count = 0;
  #at = 0;

  constructor(text: string, grammar: Grammar) {
    this.#text = text;
    this.#grammar = grammar;
  }

  value(depth: number): RegoValue {
    if (depth > MAX_DEPTH) throw new TooDeep();
    this.count++;
    this.#skipSpace();
    switch (this.#text[this.#at]) {
      case '"':
        return this.#string();
      case "{":
        return this.#braces(depth);
      case "[":
        return this.#array(depth);
      case "t":
        return this.#word("true", true);
      case "f":
        return this.#word("false", false);
      case "n":
        return this.#word("null", null);
      case "s":
        if (this.#grammar === "rego") return this.#word("set()", new RegoSet([]));
        throw this.#fault("invalid character");
      case undefined:
        throw this.#fault("unexpected end");
      default:
        return this.#number();
    }
  }

  end(): void {
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#fault("invalid character after top-level value");
  }

  rest(): string {
    this.#skipSpace();
    return this.#text.slice(this.#at);
  }

  #array(depth: number): RegoValue {
    this.#at++;
    const items: RegoValue[] = [];
    if (this.#take("]")) return items;
    do items.push(this.value(depth + 1));
    while (this.#take(","));
    this.#expect("]");
    return items;
  }

  #braces(depth: number): RegoValue {
    this.#at++;
    if (this.#take("}")) return new RegoObject([]);
    const first = this.value(depth + 1);
    if (this.#grammar === "rego" && !this.#take(":")) return this.#set(first, depth);
    if (this.#grammar !== "rego") this.#expectKey(first);
    const entries: [RegoValue, RegoValue][] = [[first, this.value(depth + 1)]];
    while (this.#take(",")) {
      const key = this.value(depth + 1);
      if (this.#grammar !== "rego") this.#expectKey(key);
      else this.#expect(":");
      entries.push([key, this.value(depth + 1)]);
    }
    this.#expect("}");
    const object = new RegoObject(entries);
    if (this.#grammar === "unambiguous_json" && object.size < entries.length)
      throw this.#fault("a name twice in one object");
    return object;
  }

  #set(first: RegoValue, depth: number): RegoSet {
    const items = [first];
    while (this.#take(",")) items.push(this.value(depth + 1));
    this.#expect("}");
    return regoSet(items);
  }

  #expectKey(key: RegoValue): void {
    if (typeof key !== "string") throw this.#fault("object key is not a string");
    this.#expect(":");
  }

  #string(): string {
    const end = this.#text.indexOf('"', this.#at + 1);
    const plain = this.#text.slice(this.#at + 1, end);
    if (end > 0 && !NOT_PLAIN.test(plain)) {
      this.#at = end + 1;
      return plain;
    }
    const quoted = this.#match(ANY_STRING);
    if (quoted === undefined) throw this.#fault("invalid string");
    return unescape(quoted.slice(1, -1));
  }

  #number(): RegoNumber {
    const text = this.#match(this.#grammar === "rego" ? RUNTIME_NUMBER : NUMBER);
    if (text === undefined || text === "") throw this.#fault("invalid character");
    return new RegoNumber(text);
  }

  #word<Value extends RegoValue>(word: string, value: Value): Value {
    if (!this.#text.startsWith(word, this.#at)) throw this.#fault("invalid literal");
    this.#at += word.length;
    return value;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #skipSpace(): void {
    // Space, tab, line feed, carriage return.
    for (let code = this.#text.charCodeAt(this.#at); code <= 32; code = this.#text.charCodeAt(++this.#at)) {
      if (code !== 32 && code !== 9 && code !== 10 && code !== 13) return;
    }
  }

  #take(char: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #expect(char: string): void {
    if (!this.#take(char)) throw this.#fault(`expected ${char}`);
  }

  #fault(what: string): AppError {
    return new AppError("invalid_argument", `${what} at offset ${this.#at}`);
  }
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);
const ESCAPE = /(?:\\u[0-9a-fA-F]{4})+|\\(.)/g;

/** Runs of \u are read together, so that a pair becomes one character and an unpaired half becomes U+FFFD. */
function unescape(body: string): string {
  return body.replace(ESCAPE, (found, char: string | undefined) => {
    if (char !== undefined) return ESCAPES.get(char) ?? char;
    const units = found.split("\\u").slice(1);
    return String.fromCharCode(...units.map((unit) => Number.parseInt(unit, 16))).toWellFormed();
  });
}
