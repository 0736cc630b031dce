/** The element section (core specification 5.5.12): which functions stand in a module's table, as far as compilers of C write it. */
import { ByteReader } from "./byte-reader.ts";
import { BinaryFault } from "./leb128.ts";
import { SECTION, type Section, sectionOf } from "./sections.ts";
import { OP } from "./opcodes.ts";

/** A segment that is put into the first table when the module is linked, by the indices of its functions. */
const ACTIVE = 0;

/** Indices of all functions that a call through the table may reach. @throws BinaryFault for a segment of another kind */
export function readTableFunctions(sections: readonly Section[]): ReadonlySet<number> {
  const content = sectionOf(sections, SECTION.element);
  if (content === undefined) return new Set();
  const reader = new ByteReader(content);
  const segments = reader.vector(() => {
    if (reader.unsigned() !== ACTIVE) throw new BinaryFault("a table is filled in a way that is not understood");
    if (reader.byte() !== OP.i32Const) throw new BinaryFault("a place in a table that is not a number");
    reader.signed(32);
    if (reader.byte() !== OP.end) throw new BinaryFault("a place in a table that is computed");
    return reader.vector(() => reader.unsigned());
  });
  reader.end();
  return new Set(segments.flat());
}
