/** The function section (core specification 5.5.6) and the bodies that belong to it, as far as appending to them goes. */
import { readBodies, withBodies } from "./code.ts";
import { ByteReader } from "./byte-reader.ts";
import { BinaryFault, writeUnsigned32 } from "./leb128.ts";
import { readImports } from "./imports.ts";
import { SECTION, type Section, sectionOf, withSection } from "./sections.ts";

const FUNCTION_TYPE = 0x60;

/** A module's own functions while they are replaced and appended to. Indices count imported functions first; none moves. */
export type Functions = {
  /** Of an imported function by its name; undefined when it is not imported. */
  imported(name: string): number | undefined;
  bodyOf(index: number): Uint8Array;
  /** How many parameters it has, which are its first locals. */
  parametersOf(index: number): number;
  replace(index: number, body: Uint8Array): void;
  /** A function of the same type as another. Returns its index. */
  append(typeOf: number, body: Uint8Array): number;
  /** The sections with all that was done. */
  written(): readonly Section[];
};

/** @throws BinaryFault */
export function functionsOf(sections: readonly Section[]): Functions {
  const imports = readImports(sections).filter(({ kind }) => kind === "function");
  const types = [...readTypes(sections)];
  const parameters = readParameters(sections);
  const bodies = [...readBodies(sections)];
  if (types.length !== bodies.length) throw new BinaryFault("functions and bodies are not as many");
  const ownAt = (index: number) => {
    const at = index - imports.length;
    const [type, body] = [types[at], bodies[at]];
    if (type === undefined || body === undefined) throw new BinaryFault("no function of the module's own");
    return { at, type, body };
  };

  return {
    imported(name) {
      const index = imports.findIndex((one) => one.name === name);
      return index < 0 ? undefined : index;
    },
    bodyOf: (index) => ownAt(index).body,
    parametersOf: (index) => parameters[ownAt(index).type] ?? 0,
    replace(index, body) {
      bodies[ownAt(index).at] = body;
    },
    append(typeOf, body) {
      types.push(ownAt(typeOf).type);
      return imports.length + bodies.push(body) - 1;
    },
    written() {
      const content = Uint8Array.from([types.length, ...types].flatMap((number) => writeUnsigned32(number)));
      return withBodies(withSection(sections, { id: SECTION.function, content }), bodies);
    },
  };
}

function readTypes(sections: readonly Section[]): readonly number[] {
  const content = sectionOf(sections, SECTION.function);
  if (content === undefined) return [];
  const reader = new ByteReader(content);
  const types = reader.vector(() => reader.unsigned());
  reader.end();
  return types;
}

/** Of each type: how many. */
function readParameters(sections: readonly Section[]): readonly number[] {
  const content = sectionOf(sections, SECTION.type);
  if (content === undefined) return [];
  const reader = new ByteReader(content);
  return reader.vector(() => {
    if (reader.byte() !== FUNCTION_TYPE) throw new BinaryFault("a type that is none of a function");
    const { length } = reader.vector(() => reader.byte());
    reader.vector(() => reader.byte()); // results
    return length;
  });
}
