/** That whatever a policy runs is paid: fuel beside a count of every single instruction, on a real module. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { type Budget, DEFAULT_BUDGET } from "../budget.ts";
import { BUILTINS } from "../builtins/registry.ts";
import { ENTRYPOINTS } from "../bundle.ts";
import { readBodies, turnsOf, withBodies } from "./binary/code.ts";
import { ByteReader } from "./binary/byte-reader.ts";
import { withExport } from "./binary/exports.ts";
import { withMutableGlobal } from "./binary/globals.ts";
import { readInstruction } from "./binary/instructions.ts";
import { writeUnsigned32 } from "./binary/leb128.ts";
import { readSections, writeSections } from "./binary/sections.ts";
import { FUEL_EXPORT, INSTRUCTIONS_PER_UNIT, MAX_FUEL, meterFuel } from "./meter-fuel.ts";
import { createPolicyRunner } from "./policy-runner.ts";
import { redirectFunctions } from "./redirect-functions.ts";

const real = readFileSync(new URL("../../../rego/bundle/policy.wasm", import.meta.url));
const budget: Budget = { ...DEFAULT_BUDGET, timeMs: 1_000 };

/** The module with a fuel that each instruction takes one of. */
function counted(wasm: Uint8Array): Uint8Array {
  const { sections, index } = withMutableGlobal(readSections(wasm), MAX_FUEL);
  const global = writeUnsigned32(index);
  const one = Uint8Array.of(0x23, ...global, 0x41, 1, 0x6b, 0x24, ...global);
  const bodies = readBodies(sections).map((body) => {
    const reader = new ByteReader(body);
    reader.at = turnsOf(body).begin;
    const parts = [body.subarray(0, reader.at)];
    while (!reader.isAtEnd) {
      const at = reader.at;
      readInstruction(reader);
      parts.push(one, body.subarray(at, reader.at));
    }
    return Buffer.concat(parts);
  });
  return writeSections(withBodies(withExport(sections, { name: FUEL_EXPORT, kind: "global", index }), bodies));
}

function runnerOf(wasm: Uint8Array) {
  const deps = { builtins: BUILTINS, randomBytes, monotonicMs: () => 0 };
  const runner = createPolicyRunner(deps, { module: new WebAssembly.Module(wasm), dataJson: "{}", budget });
  const entrypoint = runner.entrypoints.get(ENTRYPOINTS.decide) ?? -1;
  return (text: string) => runner.run(entrypoint, { kind: "json", text }, 0n);
}

test.each([
  ["as it came", real],
  ["with our own functions in it", redirectFunctions(real, [])],
])("fuel pays for whatever runs, and not many times over, in a module %s", (_, wasm) => {
  const [fuelled, exact] = [runnerOf(meterFuel(wasm)), runnerOf(counted(wasm))];
  const subject = { type: "user", id: "dana", properties: { groups: ["engineers"], claims: {}, actors: [] } };
  const context = { time: "2026-11-24T10:00:00Z", source_address: "10.1.2.3", state: { fresh: true } };
  const paths = [["orders", "42"], ["admin", "users"], ["refunds"], ["x".repeat(5_000)], []];
  for (const method of ["GET", "PUT", "POST", "connect"]) {
    for (const parsed_path of paths) {
      const body = { parsed_body: { amount: 17.5, lines: Array.from({ length: 50 }, (_, at) => ({ at })) } };
      const text = JSON.stringify({ action: { name: method }, subject, context, parsed_path, ...body });
      const [paid, ran] = [fuelled(text), exact(text)];
      expect([paid.kind, ran.kind]).toEqual(["value", "value"]);
      // A price is rounded, to no less than two thirds of what it pays for.
      expect(paid.fuelUsed * INSTRUCTIONS_PER_UNIT * 1.5).toBeGreaterThan(ran.fuelUsed);
      expect(paid.fuelUsed * INSTRUCTIONS_PER_UNIT).toBeLessThan(ran.fuelUsed * 20);
    }
  }
});
