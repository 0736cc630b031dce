/** A module with the fuel global that our host wants, which nothing in it counts down: what metering is compared with. */
import { withExport } from "../../../core/policy/wasm/binary/exports.ts";
import { withMutableGlobal } from "../../../core/policy/wasm/binary/globals.ts";
import { readSections, writeSections } from "../../../core/policy/wasm/binary/sections.ts";
import { FUEL_EXPORT, MAX_FUEL } from "../../../core/policy/wasm/meter-fuel.ts";

export async function compileUnmetered(wasm: Uint8Array): Promise<WebAssembly.Module> {
  const { sections, index } = withMutableGlobal(readSections(wasm), MAX_FUEL);
  return WebAssembly.compile(writeSections(withExport(sections, { name: FUEL_EXPORT, kind: "global", index })));
}
