/** The code section (core specification 5.5.13): the bodies of a module's own functions, in order. */
import { ByteReader } from "./byte-reader.ts";
import { readInstruction } from "./instructions.ts";
import { writeUnsigned32 } from "./leb128.ts";
import { SECTION, type Section, sectionOf, withSection } from "./sections.ts";

/** Each body: locals, then instructions to the final `end`; without its length. @throws BinaryFault */
export function readBodies(sections: readonly Section[]): readonly Uint8Array[] {
  const content = sectionOf(sections, SECTION.code);
  if (content === undefined) return [];
  const reader = new ByteReader(content);
  const bodies = reader.vector(() => reader.take(reader.unsigned()));
  reader.end();
  return bodies;
}

export function withBodies(sections: readonly Section[], bodies: readonly Uint8Array[]): readonly Section[] {
  const parts = bodies.flatMap((body) => [Uint8Array.from(writeUnsigned32(body.length)), body]);
  const content = Buffer.concat([Uint8Array.from(writeUnsigned32(bodies.length)), ...parts]);
  return withSection(sections, { id: SECTION.code, content });
}

/**
 * A stretch of code that runs from its begin each time it is entered: a whole function, or the body of a loop. `size` is
 * the number of instructions inside, without those of loops inside; a division counts as what it takes.
 */
type Stretch = {
  /** Offset inside the body of the first instruction. */
  readonly begin: number;
  readonly size: number;
};

/** In other instructions: a policy that shifts or prints long numbers does little else. */
const DIVISION_SIZE = 96;

/** The function itself first, then its loops in order of their begin. @throws BinaryFault */
export function stretchesOf(body: Uint8Array): readonly Stretch[] {
  const reader = new ByteReader(body);
  reader.vector(() => [reader.unsigned(), reader.byte()]); // locals
  const stretches = [{ begin: reader.at, size: 0 }];
  /** The stretch that each open block counts into, innermost last. */
  const open = [0];
  for (let into = 0; ; ) {
    const kind = readInstruction(reader);
    const stretch = stretches[into];
    if (stretch !== undefined) stretch.size += kind === "division" ? DIVISION_SIZE : 1;
    if (kind === "loop") {
      into = stretches.push({ begin: reader.at, size: 0 }) - 1;
      open.push(into);
    } else if (kind === "block") open.push(into);
    else if (kind === "end") {
      open.pop();
      const around = open.at(-1);
      if (around === undefined) break;
      into = around;
    }
  }
  reader.end();
  return stretches;
}
