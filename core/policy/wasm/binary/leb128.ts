/**
 * Variable-length integers as WebAssembly writes them (core specification 5.2.2). Strict: more bytes than the width needs,
 * or unused bits of the last byte that do not extend the sign, are refused, so that a number has few spellings and none
 * that two readers could take differently.
 */

/** What is no WebAssembly, or none that is understood here. The message names the place and never the content. */
export class BinaryFault extends Error {
  override readonly name = "BinaryFault";
}

type Decoded = { readonly value: bigint; readonly length: number };

/** Up to 2^32 - 1. */
export function readUnsigned32(bytes: Uint8Array, at: number): { readonly value: number; readonly length: number } {
  const first = bytes[at];
  if (first !== undefined && first < 0x80) return { value: first, length: 1 };
  const { value, length } = decode(bytes, at, { bits: 32, isSigned: false });
  return { value: Number(value), length };
}

/** `bits` is 32, 33 (block types) or 64. */
export function readSigned(bytes: Uint8Array, at: number, bits: 32 | 33 | 64): Decoded {
  return decode(bytes, at, { bits, isSigned: true });
}

export function writeUnsigned32(value: number): readonly number[] {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff)
    throw new BinaryFault("not an unsigned 32-bit number");
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return [...bytes, rest];
}

export function writeSigned32(value: number): readonly number[] {
  if (!Number.isInteger(value) || value < -0x8000_0000 || value > 0x7fff_ffff) {
    throw new BinaryFault("not a signed 32-bit number");
  }
  const bytes: number[] = [];
  let rest = value;
  // The last byte has to leave the sign in its sixth bit.
  for (; rest < -0x40 || rest > 0x3f; rest >>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest & 0x7f];
}

export function writeSigned64(value: bigint): readonly number[] {
  if (BigInt.asIntN(64, value) !== value) throw new BinaryFault("not a signed 64-bit number");
  const bytes: number[] = [];
  let rest = value;
  for (; rest < -0x40n || rest > 0x3fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return [...bytes, Number(rest & 0x7fn)];
}

function decode(bytes: Uint8Array, at: number, { bits, isSigned }: { bits: number; isSigned: boolean }): Decoded {
  const longest = Math.ceil(bits / 7);
  let value = 0n;
  for (let length = 1; length <= longest; length++) {
    const byte = bytes[at + length - 1];
    if (byte === undefined) throw new BinaryFault("a number is cut off");
    value |= BigInt(byte & 0x7f) << BigInt(7 * (length - 1));
    if (byte >= 0x80) continue;
    const read = isSigned ? BigInt.asIntN(7 * length, value) : value;
    const kept = isSigned ? BigInt.asIntN(bits, read) : BigInt.asUintN(bits, read);
    if (kept !== read) throw new BinaryFault("a number is out of range");
    return { value: read, length };
  }
  throw new BinaryFault("a number is too long");
}
