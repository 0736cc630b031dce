/**
 * Go's fmt.Sprintf for the values that OPA hands it: 64-bit integers, big integers, doubles and texts. The complaints that
 * Go writes into its output (`%!d(string=a)`, `%!s(MISSING)`, `%!(EXTRA …)`) are part of the contract: policies show them.
 */
import { BuiltinLimit, MAX_BUILTIN_OUTPUT, type Pay } from "../../builtin.ts";
import { bytesOfText } from "../../rego-value/bytes.ts";
import { formatFloat } from "./floats.ts";
import { formatBigInt, formatInt64 } from "./integers.ts";
import { type Flags, firstCharacters, noFlags, pad, padding } from "./padding.ts";
import { canBackquote, goQuote } from "./quote.ts";

export type GoValue =
  | { readonly kind: "int64"; readonly value: bigint }
  | { readonly kind: "*big.Int"; readonly value: bigint }
  | { readonly kind: "float64"; readonly value: number }
  | { readonly kind: "string"; readonly value: string };

/** A wider number is not one to Go. */
const MAX_NUMBER = 1_000_000;

/** In fuel: of a directive, and of each character of the text that it shows. */
const PER_DIRECTIVE = 4_000;
const PER_FLOAT = 15_000;
/** Of each power of two that a float is away from one: so many digits are computed. */
const PER_POWER = 100;
const PER_FORMAT_CHARACTER = 60;
const PER_CHARACTER = 5;
/** Of one that is shown as its bytes. */
const PER_HEX_CHARACTER = 40;
/** Of one that is looked up, escaped or turned into digits. */
const PER_WRITTEN_CHARACTER = 400;

export function goFormat(format: string, values: readonly GoValue[], pay: Pay): string {
  pay(format.length * PER_FORMAT_CHARACTER);
  return new Formatter([...format], values, pay).run();
}

class Formatter {
  readonly #chars: readonly string[];
  readonly #values: readonly GoValue[];
  readonly #pay: Pay;
  /** Beyond it no index ends. */
  readonly #lastBracket: number;
  #at = 0;
  #next = 0;
  #isReordered = false;
  #isGoodIndex = true;
  #output = "";

  constructor(chars: readonly string[], values: readonly GoValue[], pay: Pay) {
    this.#chars = chars;
    this.#values = values;
    this.#pay = pay;
    this.#lastBracket = chars.lastIndexOf("]");
  }

  run(): string {
    while (this.#at < this.#chars.length) {
      if (this.#output.length > MAX_BUILTIN_OUTPUT) throw new BuiltinLimit("result is too large");
      const char = this.#chars[this.#at++] ?? "";
      this.#output += char === "%" ? this.#directive() : char;
    }
    if (this.#isReordered || this.#next >= this.#values.length) return this.#output;
    const extra = this.#values.slice(this.#next).map((value) => `${value.kind}=${this.#one(noFlags(), "v", value)}`);
    return `${this.#output}%!(EXTRA ${extra.join(", ")})`;
  }

  #directive(): string {
    this.#isGoodIndex = true;
    const flags = this.#flags();
    let complaints = "";
    let afterIndex = this.#index();
    if (this.#take("*")) {
      const width = this.#numberFromArgument();
      if (width === undefined) complaints += "%!(BADWIDTH)";
      flags.width = width === undefined ? undefined : Math.abs(width);
      if (width !== undefined && width < 0) [flags.minus, flags.zero] = [true, false];
      afterIndex = false;
    } else {
      flags.width = this.#number();
      if (afterIndex && flags.width !== undefined) this.#isGoodIndex = false;
    }
    if (this.#take(".")) {
      if (afterIndex) this.#isGoodIndex = false;
      afterIndex = this.#index();
      if (this.#take("*")) {
        const precision = this.#numberFromArgument();
        flags.precision = precision === undefined || precision < 0 ? undefined : precision;
        if (flags.precision === undefined) complaints += "%!(BADPREC)";
        afterIndex = false;
      } else flags.precision = this.#number() ?? 0;
    }
    if (!afterIndex) this.#index();
    return complaints + this.#verb(flags);
  }

  #verb(flags: Flags): string {
    const verb = this.#chars[this.#at++];
    if (verb === undefined) return "%!(NOVERB)";
    if (verb === "%") return "%";
    if (!this.#isGoodIndex) return `%!${verb}(BADINDEX)`;
    const value = this.#values[this.#next];
    if (value === undefined) return `%!${verb}(MISSING)`;
    this.#next++;
    if (verb !== "v") return this.#one(flags, verb, value);
    const own = { plusV: flags.plus, sharpV: flags.sharp, plus: false, sharp: false };
    return this.#one({ ...flags, ...own }, verb, value);
  }

  #one(flags: Flags, verb: string, value: GoValue): string {
    this.#pay(priceOf(flags, verb, value));
    return one(flags, verb, value);
  }

  #flags(): Flags {
    const flags = noFlags();
    for (; ; this.#at++) {
      const char = this.#chars[this.#at];
      if (char === "#") flags.sharp = true;
      else if (char === "0") flags.zero = true;
      else if (char === "+") flags.plus = true;
      else if (char === "-") flags.minus = true;
      else if (char === " ") flags.space = true;
      else return flags;
    }
  }

  /** `[n]`: the argument to take next. True when there was a well-formed one. */
  #index(): boolean {
    if (this.#chars[this.#at] !== "[") return false;
    this.#isReordered = true;
    const end = this.#at < this.#lastBracket ? this.#chars.indexOf("]", this.#at) : -1;
    const inside = this.#chars.slice(this.#at + 1, Math.max(end, this.#at + 1)).join("");
    this.#at = end < 0 ? this.#at + 1 : end + 1;
    const isNumber = /^\d+$/.test(inside) && Number(inside) <= MAX_NUMBER;
    const index = Number(inside) - 1;
    if (isNumber && index >= 0 && index < this.#values.length) this.#next = index;
    else this.#isGoodIndex = false;
    return isNumber;
  }

  #number(): number | undefined {
    let digits = "";
    while (/^[0-9]$/.test(this.#chars[this.#at] ?? "")) digits += this.#chars[this.#at++];
    if (digits === "") return undefined;
    if (Number(digits) <= MAX_NUMBER) return Number(digits);
    this.#at = this.#chars.length;
    return undefined;
  }

  #numberFromArgument(): number | undefined {
    const value = this.#values[this.#next];
    if (value === undefined) return undefined;
    this.#next++;
    const number = value.kind === "int64" ? Number(value.value) : Number.NaN;
    return Math.abs(number) <= MAX_NUMBER ? number : undefined;
  }

  #take(char: string): boolean {
    const isThere = this.#chars[this.#at] === char;
    if (isThere) this.#at++;
    return isThere;
  }
}

function priceOf(flags: Flags, verb: string, value: GoValue): number {
  if (verb === "T" || value.kind === "int64") return PER_DIRECTIVE;
  if (value.kind === "float64")
    return PER_FLOAT + PER_POWER * Math.round(Math.abs(Math.log2(Math.abs(value.value) || 1)));
  if (value.kind === "*big.Int") return PER_DIRECTIVE + value.value.toString(16).length * PER_WRITTEN_CHARACTER;
  const shown = Math.min(value.value.length, flags.precision ?? Number.POSITIVE_INFINITY);
  const isPlain = verb === "s" || (verb === "v" && !flags.sharpV);
  const isHex = verb === "x" || verb === "X";
  return PER_DIRECTIVE + shown * (isPlain ? PER_CHARACTER : isHex ? PER_HEX_CHARACTER : PER_WRITTEN_CHARACTER);
}

function one(flags: Flags, verb: string, value: GoValue): string {
  if (verb === "T") return text(flags, "s", value.kind) ?? "";
  if (value.kind === "*big.Int" && verb !== "w") return formatBigInt(flags, verb, value.value);
  return ofKind(flags, verb, value) ?? `%!${verb}(${value.kind}=${ofKind(flags, "v", value) ?? ""})`;
}

function ofKind(flags: Flags, verb: string, value: GoValue): string | undefined {
  if (value.kind === "int64") return formatInt64(flags, verb, value.value);
  if (value.kind === "float64") return formatFloat(flags, verb, value.value);
  if (value.kind === "string") return text(flags, verb, value.value);
  return verb === "w" ? undefined : formatBigInt(flags, verb, value.value);
}

function text(flags: Flags, verb: string, value: string): string | undefined {
  const cut = flags.precision === undefined ? value : firstCharacters(value, flags.precision);
  if (verb === "s" || (verb === "v" && !flags.sharpV)) return pad(flags, cut);
  if (verb === "q" || verb === "v") {
    const isRaw = flags.sharp && canBackquote(cut);
    return pad(flags, isRaw ? `\`${cut}\`` : goQuote(cut, '"', flags.plus));
  }
  return verb === "x" || verb === "X" ? hex(flags, verb, cut) : undefined;
}

function hex(flags: Flags, verb: string, value: string): string {
  const bytes = bytesOfText(value).subarray(0, flags.precision);
  const prefix = flags.sharp && bytes.length > 0 ? "0x" : "";
  const digits = Buffer.from(bytes).toString("hex");
  const shown = prefix + (flags.space ? (digits.match(/../g) ?? []).join(` ${prefix}`) : digits);
  const cased = verb === "X" ? shown.toUpperCase() : shown;
  if (bytes.length === 0) return padding(flags, flags.width ?? 0);
  return pad(flags, cased);
}
