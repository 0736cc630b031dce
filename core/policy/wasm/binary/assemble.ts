/** Single instructions with what they need, as bytes: what our functions and rewritings of a module are written of. */
import { writeSigned32, writeSigned64, writeUnsigned32 } from "./leb128.ts";
import { NO_RESULT, OP } from "./opcodes.ts";

/** Of a load of four bytes at an address that four divides: its power of two. */
const ALIGNED = 2;

/** Of a local, as `set` and `tee` are. */
export function get(local: number): readonly number[] {
  return [OP.localGet, ...writeUnsigned32(local)];
}

export function set(local: number): readonly number[] {
  return [OP.localSet, ...writeUnsigned32(local)];
}

export function tee(local: number): readonly number[] {
  return [OP.localTee, ...writeUnsigned32(local)];
}

export function constant(value: number): readonly number[] {
  return [OP.i32Const, ...writeSigned32(value)];
}

export function constant64(value: bigint): readonly number[] {
  return [OP.i64Const, ...writeSigned64(value)];
}

export function call(target: number): readonly number[] {
  return [OP.call, ...writeUnsigned32(target)];
}

/** The four bytes so far behind the address on the stack. */
export function load(offset: number): readonly number[] {
  return [OP.i32Load, ALIGNED, ...writeUnsigned32(offset)];
}

export function loadByte(offset: number): readonly number[] {
  return [OP.i32Load8U, 0, ...writeUnsigned32(offset)];
}

/** To the address and of the value on the stack. */
export function store(offset: number): readonly number[] {
  return [OP.i32Store, ALIGNED, ...writeUnsigned32(offset)];
}

export function storeByte(offset: number): readonly number[] {
  return [OP.i32Store8, 0, ...writeUnsigned32(offset)];
}

/** The eight bytes there, as one number; at any address, as is `storeEight`. */
export function loadEight(offset: number): readonly number[] {
  return [OP.i64Load, 0, ...writeUnsigned32(offset)];
}

export function storeEight(offset: number): readonly number[] {
  return [OP.i64Store, 0, ...writeUnsigned32(offset)];
}

/** Ends the function with that number, if what is on the stack is not 0. */
export function returnIf(answer: number): readonly number[] {
  return [OP.if, NO_RESULT, ...constant(answer), OP.return, OP.end];
}
