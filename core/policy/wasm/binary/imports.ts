/** The import section (core specification 5.5.5): what a module wants from its host. */
import { ByteReader } from "./byte-reader.ts";
import { BinaryFault } from "./leb128.ts";
import { SECTION, type Section, sectionOf } from "./sections.ts";

type Import = {
  readonly module: string;
  readonly name: string;
  readonly kind: "function" | "table" | "memory" | "global";
};

const KINDS = ["function", "table", "memory", "global"] as const;

/** In order: the indices of functions and globals count imports first. @throws BinaryFault */
export function readImports(sections: readonly Section[]): readonly Import[] {
  const content = sectionOf(sections, SECTION.import);
  if (content === undefined) return [];
  const reader = new ByteReader(content);
  const imports = reader.vector(() => {
    const [module, name] = [reader.name(), reader.name()];
    const kind = KINDS[reader.byte()];
    if (kind === undefined) throw new BinaryFault("an import of an unknown kind");
    skipDescription(reader, kind);
    return { module, name, kind };
  });
  reader.end();
  return imports;
}

function skipDescription(reader: ByteReader, kind: Import["kind"]): void {
  if (kind === "function") reader.unsigned();
  else if (kind === "global") reader.take(2);
  else {
    if (kind === "table") reader.byte();
    readLimits(reader);
  }
}

type Limits = { readonly minimum: number; readonly maximum: number | undefined };

/** @throws BinaryFault also for shared and 64-bit memories, which nothing here is prepared for */
function readLimits(reader: ByteReader): Limits {
  const flags = reader.byte();
  if (flags > 1) throw new BinaryFault("limits of an unknown kind");
  const minimum = reader.unsigned();
  return { minimum, maximum: flags === 1 ? reader.unsigned() : undefined };
}
