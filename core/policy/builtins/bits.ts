/** `bits.*` on integers of any size and any notation (`1e1`), as Go's math/big has it. The module's own take some notations only, and trap at `-0`. */
import { type Builtin, BuiltinLimit, builtinTable, integerArg, BuiltinError } from "../builtin.ts";
import { regoInteger } from "../rego-value/value.ts";

/** In fuel, of a decimal digit that is read as binary, or written. */
const PER_DIGIT = 100;
/** Bits that a number may have: some thousand digits. */
const MAX_BITS = 16_384n;
const WORD = 64;

function two(change: (a: bigint, b: bigint) => bigint): Builtin {
  return (args, { pay }) => {
    const [a, b] = [integerArg(args, 0), integerArg(args, 1)];
    pay((digits(a) + digits(b)) * PER_DIGIT);
    const result = change(a, b);
    pay(digits(result) * PER_DIGIT); // short operands may make a long one
    return regoInteger(result);
  };
}

function digits(value: bigint): number {
  return value.toString(16).length;
}

/** NB: of a shift beyond 64 bits Go takes the lower ones. */
function shiftOf(by: bigint): bigint {
  if (by < 0n) throw new BuiltinError("operand 2 must be an unsigned integer number but got a negative integer");
  return BigInt.asUintN(WORD, by);
}

function shiftedLeft(value: bigint, by: bigint): bigint {
  const shift = shiftOf(by);
  if (value === 0n) return 0n;
  if (shift > MAX_BITS) throw new BuiltinLimit("the number is too large");
  return value << shift;
}

function shiftedRight(value: bigint, by: bigint): bigint {
  const shift = shiftOf(by);
  if (shift > BigInt(digits(value) * 4)) return value < 0n ? -1n : 0n;
  return value >> shift;
}

export const BITS = builtinTable([
  ["bits.and", two((a, b) => a & b)],
  ["bits.or", two((a, b) => a | b)],
  ["bits.xor", two((a, b) => a ^ b)],
  ["bits.lsh", two(shiftedLeft)],
  ["bits.rsh", two(shiftedRight)],
  ["bits.negate", (args) => regoInteger(~integerArg(args, 0))],
]);
