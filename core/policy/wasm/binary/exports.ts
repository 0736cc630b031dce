/** The export section (core specification 5.5.10). */
import { ByteReader } from "./byte-reader.ts";
import { BinaryFault, writeUnsigned32 } from "./leb128.ts";
import { SECTION, type Section, sectionOf, withSection } from "./sections.ts";

type Export = {
  readonly name: string;
  readonly kind: "function" | "table" | "memory" | "global";
  readonly index: number;
};

const KINDS = ["function", "table", "memory", "global"] as const;

/** @throws BinaryFault */
export function readExports(sections: readonly Section[]): readonly Export[] {
  const content = sectionOf(sections, SECTION.export);
  if (content === undefined) return [];
  const reader = new ByteReader(content);
  const exports = reader.vector(() => {
    const name = reader.name();
    const kind = KINDS[reader.byte()];
    if (kind === undefined) throw new BinaryFault("an export of an unknown kind");
    return { name, kind, index: reader.unsigned() };
  });
  reader.end();
  return exports;
}

/** @throws BinaryFault when the name is taken: a module may export a name once */
export function withExport(sections: readonly Section[], added: Export): readonly Section[] {
  const exports = readExports(sections);
  if (exports.some(({ name }) => name === added.name)) throw new BinaryFault(`${added.name} is exported already`);
  const written = [...exports, added].map(({ name, kind, index }) => {
    const bytes = Buffer.from(name, "utf8");
    return [...writeUnsigned32(bytes.length), ...bytes, KINDS.indexOf(kind), ...writeUnsigned32(index)];
  });
  const content = Uint8Array.from([...writeUnsigned32(written.length), ...written.flat()]);
  return withSection(sections, { id: SECTION.export, content });
}
