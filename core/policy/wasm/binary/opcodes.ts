/** The instructions that our functions and rewritings are written with, by their names in the specification of WebAssembly (section 5.4). */
export const OP = {
  ...{ unreachable: 0x00, block: 0x02, loop: 0x03, if: 0x04, else: 0x05, end: 0x0b },
  ...{ br: 0x0c, brIf: 0x0d, brTable: 0x0e, return: 0x0f, call: 0x10, callIndirect: 0x11, saturating: 0xfc },
  ...{ select: 0x1b, localGet: 0x20, localSet: 0x21, localTee: 0x22, globalGet: 0x23, globalSet: 0x24 },
  ...{ i32Load: 0x28, i32Load8U: 0x2d, i32Store: 0x36, i32Store8: 0x3a, i32Store16: 0x3b, i32Const: 0x41 },
  ...{ i32Eqz: 0x45, i32Eq: 0x46, i32Ne: 0x47, i32LtS: 0x48, i32LtU: 0x49, i32GtU: 0x4b },
  ...{ i32GeS: 0x4e, i32GeU: 0x4f, i32Shl: 0x74, i32ShrU: 0x76 },
  ...{ i32Add: 0x6a, i32Sub: 0x6b, i32And: 0x71, i32Or: 0x72, i32WrapI64: 0xa7 },
  ...{ i64Load: 0x29, i64Store: 0x37, i64Const: 0x42, i64Eqz: 0x50, i64Ctz: 0x7a, i64Sub: 0x7d },
  ...{ i64And: 0x83, i64Or: 0x84, i64Xor: 0x85 },
} as const;

export const I32 = 0x7f;
export const I64 = 0x7e;
/** The type of a block that leaves nothing. */
export const NO_RESULT = 0x40;
