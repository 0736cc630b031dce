/**
 * The bundle of a compatibility policy: whatever `opa build -t wasm` wrote, read under the limits of every bundle. Unlike ours it needs no build
 * check and none of our entrypoints. If the manifest names no revision, the hash of module and data is used, so that the decision log says what
 * was decided by. Its data is that of all its folders, as in native mode.
 */
import { createHash } from "node:crypto";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { AppError } from "../domain/app-error.ts";
import type { BundleFiles } from "./bundles/bundle-files.ts";
import { dataTextOf } from "./bundles/documents.ts";
import { parseStructured } from "./bundles/file-hash.ts";
import { plainOf } from "./rego-value/plain.ts";

type CompatBundle = { readonly revision: string; readonly wasm: Uint8Array; readonly dataJson: string };

const manifestSchema = Compile(
  Type.Object({
    revision: Type.Optional(Type.String({ maxLength: 128 })),
    roots: Type.Optional(Type.Union([Type.Null(), Type.Array(Type.String())])),
  }),
);

/** @throws AppError invalid_bundle, unavailable */
export async function compatBundleOf(files: BundleFiles): Promise<CompatBundle> {
  if (files.has("patch.json")) throw new AppError("invalid_bundle", "a delta bundle holds no policy; send a whole one");
  const wasm = files.get("policy.wasm");
  if (wasm === undefined) {
    throw new AppError("invalid_bundle", "the bundle holds no policy.wasm; build it with opa build -t wasm");
  }
  const { revision, roots } = manifestOf(files.get(".manifest"));
  const dataJson = await dataTextOf(files, roots);
  const hash = createHash("sha256").update(wasm).update(dataJson).digest("hex");
  return { revision: revision || `sha256-${hash.slice(0, 16)}`, wasm, dataJson };
}

/** As in OPA, a manifest that names no roots, and none at all, leave room for everything. */
function manifestOf(manifest: Uint8Array | undefined): {
  readonly revision: string;
  readonly roots: readonly string[];
} {
  if (manifest === undefined) return { revision: "", roots: [""] };
  try {
    const value: unknown = plainOf(parseStructured(".manifest", manifest));
    if (manifestSchema.Check(value)) return { revision: value.revision ?? "", roots: value.roots ?? [""] };
  } catch {
    // said below
  }
  throw new AppError("invalid_bundle", "the manifest of the bundle cannot be read");
}
