/** The code section (core specification 5.5.13): the bodies of a module's own functions, in order. */
import { ByteReader } from "./byte-reader.ts";
import { readInstruction, type Turning } from "./instructions.ts";
import { BinaryFault, writeUnsigned32 } from "./leb128.ts";
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

/** An instruction that says where control goes, its place inside the body, and the size of the plain ones before it. */
export type Turn = {
  readonly at: number;
  readonly end: number;
  readonly instruction: Turning;
  readonly before: number;
};

/** In other instructions: a policy that shifts or prints long numbers does little else. */
const DIVISION_SIZE = 200;

/** Of one body, to the `end` of the function. @throws BinaryFault */
export function turnsOf(body: Uint8Array): { readonly begin: number; readonly turns: readonly Turn[] } {
  const reader = new ByteReader(body);
  reader.vector(() => [reader.unsigned(), reader.byte()]); // locals
  const begin = reader.at;
  const turns: Turn[] = [];
  for (let before = 0; !reader.isAtEnd; ) {
    const at = reader.at;
    const instruction = readInstruction(reader);
    if (instruction.kind === "plain") before += 1;
    else if (instruction.kind === "division") before += DIVISION_SIZE;
    else {
      turns.push({ at, end: reader.at, instruction, before });
      before = 0;
    }
  }
  if (turns.at(-1)?.end !== body.length) throw new BinaryFault("a body does not end");
  return { begin, turns };
}

/** Whether these instructions stand in a body one behind the other, byte for byte. */
export function holds(body: Uint8Array, instructions: readonly number[]): boolean {
  return Buffer.from(body).includes(Buffer.from(instructions));
}
