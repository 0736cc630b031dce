/** The global section (core specification 5.5.9), as far as appending to it goes. */
import { ByteReader } from "./byte-reader.ts";
import { BinaryFault, writeSigned32, writeUnsigned32 } from "./leb128.ts";
import { readImports } from "./imports.ts";
import { SECTION, type Section, sectionOf, withSection } from "./sections.ts";
import { I32, OP } from "./opcodes.ts";

const MUTABLE = 1;

/**
 * Appends a mutable 32-bit global, so that no index moves.
 * @throws BinaryFault when globals are imported: there is nobody to say what they are
 */
export function withMutableGlobal(
  sections: readonly Section[],
  start: number,
): { readonly sections: readonly Section[]; readonly index: number } {
  if (readImports(sections).some(({ kind }) => kind === "global")) throw new BinaryFault("a global is imported");
  const content = sectionOf(sections, SECTION.global) ?? Uint8Array.of(0);
  const reader = new ByteReader(content);
  const index = reader.unsigned();
  const added = Uint8Array.of(I32, MUTABLE, OP.i32Const, ...writeSigned32(start), OP.end);
  const others = content.subarray(reader.at);
  const written = Buffer.concat([Uint8Array.from(writeUnsigned32(index + 1)), others, added]);
  return { sections: withSection(sections, { id: SECTION.global, content: written }), index };
}
