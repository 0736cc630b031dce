/**
 * What compile-policy.ts makes of a module but for the metering, which it is compared with: it has the fuel global that our host wants, and nothing in
 * it counts that down.
 */
import { withExport } from "../../../core/policy/wasm/binary/exports.ts";
import { withMutableGlobal } from "../../../core/policy/wasm/binary/globals.ts";
import { readSections, writeSections } from "../../../core/policy/wasm/binary/sections.ts";
import { FUEL_EXPORT, MAX_FUEL } from "../../../core/policy/wasm/meter-fuel.ts";
import { redirectFunctions } from "../../../core/policy/wasm/redirect-functions.ts";

export async function compileUnmetered(wasm: Uint8Array): Promise<WebAssembly.Module> {
  const { sections, index } = withMutableGlobal(readSections(redirectFunctions(wasm, [])), MAX_FUEL);
  return WebAssembly.compile(writeSections(withExport(sections, { name: FUEL_EXPORT, kind: "global", index })));
}
