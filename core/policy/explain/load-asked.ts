/**
 * Loads a bundle of either kind for policy authors. The manifest tells which kind it is: one of ours names our entrypoints; otherwise it is an
 * opa-envoy-plugin policy, evaluated at the given path, or at its only entrypoint.
 */
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { AppError } from "../../domain/app-error.ts";
import { type AskedBundle, createAskedBundle } from "../asked/asked-bundle.ts";
import { ENTRYPOINTS, readBundleFiles } from "../bundle.ts";
import type { BundleFiles } from "../bundles/bundle-files.ts";
import type { RunnerDeps } from "../wasm/policy-runner.ts";

export type LoadedBundle = Pick<AskedBundle, "ask"> & {
  readonly revision: string;
  readonly files: BundleFiles;
  /** Undefined: the bundle is one of ours. */
  readonly compatPath: string | undefined;
};

/** `path`: where it is asked if it is none of ours. @throws AppError invalid_bundle when it is refused, invalid_argument without a path */
export async function loadAsked(folder: string, deps: RunnerDeps, path?: string): Promise<LoadedBundle> {
  const files = await readBundleFiles(folder);
  const compatPath = compatPathOf(files, folder, path);
  const { activate, ask } = createAskedBundle(deps, { compatPath, warmUps: 1, anyPrice: true });
  const taken = await activate(files);
  if (taken.kind === "refused") throw new AppError("invalid_bundle", `${folder}: ${taken.reason}: ${taken.detail}`);
  return { ask, revision: taken.revision, files, compatPath };
}

const manifestSchema = Compile(Type.Object({ wasm: Type.Array(Type.Object({ entrypoint: Type.String() })) }));

function compatPathOf(files: BundleFiles, folder: string, given: string | undefined): string | undefined {
  const entrypoints = entrypointsIn(files.get(".manifest"));
  if (entrypoints.includes(ENTRYPOINTS.decide)) return undefined;
  const path = given ?? (entrypoints.length === 1 ? entrypoints[0] : undefined);
  if (path !== undefined) return path;
  const known = entrypoints.length === 0 ? "no entrypoint" : entrypoints.join(", ");
  throw new AppError("invalid_argument", `${folder}: say by --path what is asked; its manifest names ${known}`);
}

/** What cannot be read is for whoever activates it to refuse. */
function entrypointsIn(manifest: Uint8Array | undefined): readonly string[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(manifest ?? []).toString("utf8"));
    return manifestSchema.Check(value) ? value.wasm.map(({ entrypoint }) => entrypoint) : [];
  } catch {
    return [];
  }
}
