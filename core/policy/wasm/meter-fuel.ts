/**
 * Rewrites a policy module so that it cannot run for ever: functions when they are entered and loops when they branch back
 * take a price from a mutable global, and trap once that is below zero. What is paid where is in prices-of-code.ts: no
 * instruction runs unpaid; what is left of the fuel says what an evaluation cost, and the same input always costs the same.
 * A price is in sixteens of instructions and at least one. Cleverer ways of counting (in a local, in chunks) were measured
 * and are not faster.
 *
 * Memory is bounded by the maximum of what the host imports into the module; a module that has a memory of its own, or
 * that imports anything beyond OPA's ABI, is refused, as is one that is not understood (binary/instructions.ts).
 * The start value is the highest there is: the module's start function runs before the host can set it.
 */
import { AppError } from "../../domain/app-error.ts";
import { type Change, changed } from "./binary/changes.ts";
import { readBodies, type Turn, withBodies } from "./binary/code.ts";
import { readTableFunctions } from "./binary/elements.ts";
import { withExport } from "./binary/exports.ts";
import { withMutableGlobal } from "./binary/globals.ts";
import { readImports } from "./binary/imports.ts";
import { BinaryFault, writeUnsigned32 } from "./binary/leb128.ts";
import { readSections, SECTION, sectionOf, writeSections } from "./binary/sections.ts";
import { type Prices, pricesOf } from "./prices-of-code.ts";
import { constant } from "./binary/assemble.ts";
import { NO_RESULT, OP } from "./binary/opcodes.ts";

export const FUEL_EXPORT = "countersign_fuel";
export const MAX_FUEL = 0x7fff_ffff;

/** With this the counter of 32 bits lasts for about a second. */
export const INSTRUCTIONS_PER_UNIT = 16;

/** @throws AppError invalid_bundle when the module is not understood whole */
export function meterFuel(wasm: Uint8Array): Uint8Array {
  try {
    const original = readSections(wasm);
    if (sectionOf(original, SECTION.memory) !== undefined) throw new BinaryFault("it has a memory of its own");
    const imports = readImports(original);
    const foreign = imports.find(({ module, kind }) => module !== "env" || kind === "table");
    if (foreign !== undefined) throw new BinaryFault(`it imports a ${foreign.kind} of ${foreign.module}`);
    const { sections, index } = withMutableGlobal(original, MAX_FUEL);
    const imported = imports.filter(({ kind }) => kind === "function").length;
    const bodies = readBodies(sections);
    const prices = pricesOf(bodies, { imported, inTable: readTableFunctions(original) });
    const metered = prices.map((price, at) => withPayments(bodies[at] ?? new Uint8Array(), price, index));
    const exported = withExport(sections, { name: FUEL_EXPORT, kind: "global", index });
    return writeSections(withBodies(exported, metered));
  } catch (error) {
    const why = error instanceof BinaryFault ? error.message : "its code cannot be read";
    throw new AppError("invalid_bundle", `the policy module is not understood: ${why}`, { cause: error });
  }
}

function withPayments(body: Uint8Array, { begin, entry, rounds, arms }: Prices, fuel: number): Uint8Array {
  const changes: Change[] = entry === undefined ? [] : [{ from: begin, to: begin, code: payment(fuel, entry) }];
  // Of an arm that begins with a branch, the arm comes first.
  changes.push(...arms.map(({ at, size }) => ({ from: at, to: at, code: payment(fuel, size) })));
  for (const { branch, size, isSimple } of rounds) {
    const paid = payment(fuel, size);
    if (isSimple) changes.push({ from: branch.at, to: branch.end, code: paidBranch(branch, paid) });
    else changes.push({ from: branch.at, to: branch.at, code: paid });
  }
  return changed(body, changes);
}

/** `br_if` that pays only when it goes back: `if (…) { payment; br }`. One block further in, so is where it goes. */
function paidBranch({ instruction }: Turn, paid: Uint8Array): Uint8Array {
  const [depth = 0] = instruction.kind === "branch" ? instruction.depths : [];
  return Uint8Array.of(OP.if, NO_RESULT, ...paid, OP.br, ...writeUnsigned32(depth + 1), OP.end);
}

/** `fuel -= price; if (fuel < 0) unreachable`. It leaves the stack as it is, so it may stand before any instruction. */
function payment(fuel: number, size: number): Uint8Array {
  const index = writeUnsigned32(fuel);
  const price = Math.max(1, Math.round(size / INSTRUCTIONS_PER_UNIT));
  return Uint8Array.of(
    ...[OP.globalGet, ...index, ...constant(price), OP.i32Sub, OP.globalSet, ...index],
    ...[OP.globalGet, ...index, ...constant(0), OP.i32LtS, OP.if, NO_RESULT, OP.unreachable, OP.end],
  );
}
