/** The names of functions in the custom section `name` (core specification, appendix 7.4): what stack traces show. */
import { ByteReader } from "./byte-reader.ts";
import { SECTION, type Section } from "./sections.ts";

const FUNCTION_NAMES = 1;

/** Function index → name; imports have indices too. Empty without the section. @throws BinaryFault */
export function readFunctionNames(sections: readonly Section[]): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const { id, content } of sections) {
    if (id !== SECTION.custom) continue;
    const reader = new ByteReader(content);
    if (reader.name() !== "name") continue;
    while (!reader.isAtEnd) {
      const kind = reader.byte();
      const part = new ByteReader(reader.take(reader.unsigned()));
      if (kind !== FUNCTION_NAMES) continue;
      for (let left = part.unsigned(); left > 0; left--) names.set(part.unsigned(), part.name());
      part.end();
    }
  }
  return names;
}
