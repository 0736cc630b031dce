/**
 * The module of a bundle that is about to decide. Where the one that decides now has the same bytes, its compiled module is taken, warm as it
 * is: then only data differs, and a fresh instance gets the new one. Else it is compiled, in a thread while another one decides; the first
 * start has nobody to hold up.
 */
import { compileApart, type CompileJob } from "./compile-apart.ts";
import { compilePolicy } from "./compile-policy.ts";

export type PolicyModule = {
  readonly wasm: Uint8Array;
  readonly module: WebAssembly.Module;
  /** It is another one than before. */
  readonly compiled: boolean;
};

/** `active`: of the bundle that decides, compiled under the same redirections. @throws AppError invalid_bundle */
export async function policyModule(job: CompileJob, active: PolicyModule | undefined): Promise<PolicyModule> {
  const { wasm, redirections } = job;
  if (active === undefined) return { wasm, module: await compilePolicy(wasm, redirections), compiled: true };
  if (Buffer.compare(active.wasm, wasm) === 0) return { ...active, compiled: false };
  return { wasm, module: await compileApart(job), compiled: true };
}
