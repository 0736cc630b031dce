/**
 * Eight bytes of a text in a local of 64 bits, as code: whether all of them stand in JSON as they are, which a quote, a backslash and a control
 * character do not. The subtractions below borrow from the byte behind only where a byte is such a one, so the first of them is always marked, and
 * where there is none nothing is.
 */
import { constant64, get } from "./binary/assemble.ts";
import { OP } from "./binary/opcodes.ts";

export const WORD = 8;
export const [BLANK, QUOTE, BACKSLASH] = [0x20, 0x22, 0x5c];

const inEach = (byte: number) => constant64(BigInt.asIntN(64, 0x01_01_01_01_01_01_01_01n * BigInt(byte)));
const HIGHEST = inEach(0x80);

/** The highest bit of each byte that is such a one is set, and of some that are above ASCII. */
function marked(word: number): readonly number[] {
  const is = (byte: number) => [...get(word), ...inEach(byte), OP.i64Xor, ...inEach(1), OP.i64Sub];
  return [...get(word), ...inEach(BLANK), OP.i64Sub, ...is(QUOTE), OP.i64Or, ...is(BACKSLASH), OP.i64Or];
}

/** Not 0 where a byte is such a one. */
export function hasEscaped(word: number): readonly number[] {
  return [...marked(word), ...get(word), ...HIGHEST, OP.i64And, ...HIGHEST, OP.i64Xor, OP.i64And];
}

/** Not 0 where a byte is such a one or is above ASCII; the lowest bit that is set is the highest of the first of them. */
export function hasOther(word: number): readonly number[] {
  return [...marked(word), ...get(word), OP.i64Or, ...HIGHEST, OP.i64And];
}
