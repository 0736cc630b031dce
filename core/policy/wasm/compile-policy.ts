/** A policy module as it came → what can be linked: runtime functions redirected, fuel metered, compiled by V8. */
import { AppError } from "../../domain/app-error.ts";
import { meterFuel } from "./meter-fuel.ts";
import { type Redirection, redirectFunctions } from "./redirect-functions.ts";

/** @throws AppError invalid_bundle */
export async function compilePolicy(
  wasm: Uint8Array,
  redirections: readonly Redirection[] = [],
): Promise<WebAssembly.Module> {
  // The compiler of policies has been seen to write invalid modules; V8 says so of the module as it came.
  if (!WebAssembly.validate(wasm)) throw new AppError("invalid_bundle", "the module does not compile");
  const metered = meterFuel(redirectFunctions(wasm, redirections));
  return WebAssembly.compile(metered).catch((error: unknown) => {
    throw new AppError("invalid_bundle", "the module does not compile", { cause: error });
  });
}
