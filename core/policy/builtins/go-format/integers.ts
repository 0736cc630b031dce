/** Integers in Go's fmt: those of 64 bits, and big ones, which format themselves by slightly other rules. */
import { type Flags, pad, padding } from "./padding.ts";
import { goQuote } from "./quote.ts";

const MAX_RUNE = 0x10ffffn;

/** Undefined when the verb is not one of integers. */
export function formatInt64(flags: Flags, verb: string, value: bigint): string | undefined {
  const unsigned = BigInt.asUintN(64, value);
  switch (verb) {
    case "v":
    case "d":
      return digits(flags, value, 10, verb);
    case "b":
      return digits(flags, value, 2, verb);
    case "o":
    case "O":
      return digits(flags, value, 8, verb);
    case "x":
    case "X":
      return digits(flags, value, 16, verb);
    case "c":
      return pad(flags, runeOf(unsigned));
    case "q":
      return pad(flags, goQuote(runeOf(unsigned), "'", flags.plus));
    case "U": {
      const code = unsigned
        .toString(16)
        .toUpperCase()
        .padStart(Math.max(flags.precision ?? 4, 4), "0");
      const shown = flags.sharp && unsigned <= MAX_RUNE ? ` '${runeOf(unsigned)}'` : "";
      return pad({ ...flags, zero: false }, `U+${code}${shown}`);
    }
    default:
      return undefined;
  }
}

function runeOf(code: bigint): string {
  return code <= MAX_RUNE ? String.fromCodePoint(Number(code)).toWellFormed() : "\ufffd";
}

function digits(flags: Flags, value: bigint, base: number, verb: string): string {
  const isNegative = value < 0n;
  if (flags.precision === 0 && value === 0n) return padding({ ...flags, zero: false }, flags.width ?? 0);
  const hasSign = isNegative || flags.plus || flags.space;
  const zeros = flags.zero && !flags.minus && flags.width !== undefined ? flags.width - (hasSign ? 1 : 0) : 0;
  let text = (isNegative ? -value : value).toString(base).padStart(flags.precision ?? zeros, "0");
  if (flags.sharp && base === 2) text = `0b${text}`;
  if (flags.sharp && base === 8 && !text.startsWith("0")) text = `0${text}`;
  if (flags.sharp && base === 16) text = `0x${text}`;
  if (verb === "O") text = `0o${text}`;
  const cased = verb === "X" ? text.toUpperCase() : text;
  const sign = isNegative ? "-" : flags.plus ? "+" : flags.space ? " " : "";
  return pad({ ...flags, zero: false }, sign + cased);
}

const BIG_BASES: ReadonlyMap<string, number> = new Map([
  ["b", 2],
  ["o", 8],
  ["O", 8],
  ["d", 10],
  ["s", 10],
  ["v", 10],
  ["x", 16],
  ["X", 16],
]);
const PREFIXES: ReadonlyMap<string, string> = new Map([
  ["b", "0b"],
  ["o", "0"],
  ["x", "0x"],
  ["X", "0X"],
]);

export function formatBigInt(flags: Flags, verb: string, value: bigint): string {
  const base = BIG_BASES.get(verb);
  if (base === undefined) return `%!${verb}(big.Int=${value})`;
  const sign = value < 0n ? "-" : flags.plus || flags.plusV ? "+" : flags.space ? " " : "";
  const prefix = verb === "O" ? "0o" : flags.sharp || flags.sharpV ? (PREFIXES.get(verb) ?? "") : "";
  const magnitude = (value < 0n ? -value : value).toString(base).padStart(flags.precision ?? 0, "0");
  const text = verb === "X" ? magnitude.toUpperCase() : magnitude;
  const missing = Math.max((flags.width ?? 0) - sign.length - prefix.length - text.length, 0);
  if (flags.minus) return `${sign}${prefix}${text}${" ".repeat(missing)}`;
  if (flags.zero && flags.precision === undefined) return `${sign}${prefix}${"0".repeat(missing)}${text}`;
  return `${" ".repeat(missing)}${sign}${prefix}${text}`;
}
