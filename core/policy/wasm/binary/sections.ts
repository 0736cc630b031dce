/**
 * A module as its sections (core specification 5.5): read, and written back byte for byte. What stands in a section is for
 * others to read (imports.ts, exports.ts, code.ts, names.ts). Sections of other ids than those of WebAssembly 2.0, twice,
 * or out of order, are refused.
 */
import { ByteReader } from "./byte-reader.ts";
import { BinaryFault, writeUnsigned32 } from "./leb128.ts";

export const SECTION = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
} as const;
type SectionId = (typeof SECTION)[keyof typeof SECTION];

export type Section = { readonly id: SectionId; readonly content: Uint8Array };

const MAGIC_AND_VERSION = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00] as const;
/** Of sections that are no custom ones; those may stand anywhere. */
const ORDER: readonly SectionId[] = [
  ...[SECTION.type, SECTION.import, SECTION.function, SECTION.table, SECTION.memory, SECTION.global, SECTION.export],
  ...[SECTION.start, SECTION.element, SECTION.dataCount, SECTION.code, SECTION.data],
];

/** @throws BinaryFault */
export function readSections(module: Uint8Array): readonly Section[] {
  const reader = new ByteReader(module);
  if (MAGIC_AND_VERSION.some((byte) => reader.byte() !== byte)) throw new BinaryFault("not a module of version 1");
  const sections: Section[] = [];
  let last = -1;
  while (!reader.isAtEnd) {
    const id = reader.byte();
    if (!isSectionId(id)) throw new BinaryFault(`a section of the unknown kind ${id}`);
    const place = ORDER.indexOf(id);
    if (id !== SECTION.custom && place <= last) throw new BinaryFault(`section ${id} is out of order`);
    if (id !== SECTION.custom) last = place;
    sections.push({ id, content: reader.take(reader.unsigned()) });
  }
  return sections;
}

export function writeSections(sections: readonly Section[]): Uint8Array {
  const parts = sections.flatMap(({ id, content }) => [Uint8Array.of(id, ...writeUnsigned32(content.length)), content]);
  return Buffer.concat([Uint8Array.from(MAGIC_AND_VERSION), ...parts]);
}

export function sectionOf(sections: readonly Section[], id: SectionId): Uint8Array | undefined {
  return sections.find((section) => section.id === id)?.content;
}

/** The same sections with one of them replaced, or added at its place. */
export function withSection(sections: readonly Section[], { id, content }: Section): readonly Section[] {
  if (sectionOf(sections, id) !== undefined) {
    return sections.map((section) => (section.id === id ? { id, content } : section));
  }
  const after = sections.findIndex((section) => ORDER.indexOf(section.id) > ORDER.indexOf(id));
  const at = after < 0 ? sections.length : after;
  return [...sections.slice(0, at), { id, content }, ...sections.slice(at)];
}

function isSectionId(id: number): id is SectionId {
  return id === SECTION.custom || ORDER.some((known) => known === id);
}
