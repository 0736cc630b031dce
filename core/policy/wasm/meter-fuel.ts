/**
 * Rewrites a policy module so that it cannot run for ever: each function entry and each round of a loop first takes its
 * price from a mutable global, and traps once that is below zero. The price is the number of its own instructions, in
 * sixteens and at least one. Every instruction lies in a function or in the innermost loop around it and runs at most once
 * per entry or round, so none runs unpaid; what is left of the fuel says what an evaluation cost, and the same input always
 * costs the same. Cleverer ways of counting (in a local, in chunks, at the callers) were measured and are not faster.
 *
 * Memory is bounded by the maximum of what the host imports into the module; a module that has a memory of its own, or
 * that imports anything beyond OPA's ABI, is refused, as is one that is not understood (binary/instructions.ts).
 * The start value is the highest there is: the module's start function runs before the host can set it.
 */
import { AppError } from "../../domain/app-error.ts";
import { readBodies, stretchesOf, withBodies } from "./binary/code.ts";
import { withExport } from "./binary/exports.ts";
import { withMutableGlobal } from "./binary/globals.ts";
import { readImports } from "./binary/imports.ts";
import { BinaryFault, writeSigned32, writeUnsigned32 } from "./binary/leb128.ts";
import { readSections, SECTION, sectionOf, writeSections } from "./binary/sections.ts";

export const FUEL_EXPORT = "countersign_fuel";
export const MAX_FUEL = 0x7fff_ffff;

const OP = {
  ...{ unreachable: 0x00, if: 0x04, end: 0x0b, globalGet: 0x23, globalSet: 0x24 },
  ...{ i32Const: 0x41, i32LtS: 0x48, i32Sub: 0x6b },
} as const;
const NO_RESULT = 0x40;
/** Most of a function is not run when it is entered; with this the counter of 32 bits lasts for about a second. */
const INSTRUCTIONS_PER_UNIT = 16;

/** @throws AppError invalid_bundle when the module is not understood whole */
export function meterFuel(wasm: Uint8Array): Uint8Array {
  try {
    const original = readSections(wasm);
    if (sectionOf(original, SECTION.memory) !== undefined) throw new BinaryFault("it has a memory of its own");
    const foreign = readImports(original).find(({ module, kind }) => module !== "env" || kind === "table");
    if (foreign !== undefined) throw new BinaryFault(`it imports a ${foreign.kind} of ${foreign.module}`);
    const { sections, index } = withMutableGlobal(original, MAX_FUEL);
    const bodies = readBodies(sections).map((body) => metered(body, index));
    const exported = withExport(sections, { name: FUEL_EXPORT, kind: "global", index });
    return writeSections(withBodies(exported, bodies));
  } catch (error) {
    const why = error instanceof BinaryFault ? error.message : "its code cannot be read";
    throw new AppError("invalid_bundle", `the policy module is not understood: ${why}`, { cause: error });
  }
}

function metered(body: Uint8Array, fuel: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const { begin, size } of stretchesOf(body)) {
    parts.push(body.subarray(at, begin), payment(fuel, Math.max(1, Math.round(size / INSTRUCTIONS_PER_UNIT))));
    at = begin;
  }
  return Buffer.concat([...parts, body.subarray(at)]);
}

/** `fuel -= price; if (fuel < 0) unreachable`. It leaves the stack as it is, so it may stand where a loop has parameters. */
function payment(fuel: number, price: number): Uint8Array {
  const index = writeUnsigned32(fuel);
  return Uint8Array.of(
    ...[OP.globalGet, ...index, OP.i32Const, ...writeSigned32(price), OP.i32Sub, OP.globalSet, ...index],
    ...[OP.globalGet, ...index, OP.i32Const, 0, OP.i32LtS, OP.if, NO_RESULT, OP.unreachable, OP.end],
  );
}
