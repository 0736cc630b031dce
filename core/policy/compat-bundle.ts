/**
 * The bundle of a compatibility policy: whatever `opa build -t wasm` wrote, read under the limits of every bundle. Unlike
 * ours it needs no build check and no entrypoints of our own; where the manifest names no revision, the hash of module and
 * data stands in, so that the decision log says what was decided by.
 */
import { createHash } from "node:crypto";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { AppError } from "../domain/app-error.ts";
import type { BundleFiles } from "./bundles/bundle-files.ts";

type CompatBundle = { readonly revision: string; readonly wasm: Uint8Array; readonly dataJson: string };

const manifestSchema = Compile(Type.Object({ revision: Type.Optional(Type.String({ maxLength: 128 })) }));

/** @throws AppError invalid_bundle */
export function compatBundleOf(files: BundleFiles): CompatBundle {
  const wasm = files.get("policy.wasm");
  if (wasm === undefined) {
    throw new AppError("invalid_bundle", "the bundle holds no policy.wasm; build it with opa build -t wasm");
  }
  const data = files.get("data.json") ?? Buffer.from("{}");
  const revision = revisionOf(files.get(".manifest"));
  const hash = createHash("sha256").update(wasm).update(data).digest("hex");
  return { revision: revision || `sha256-${hash.slice(0, 16)}`, wasm, dataJson: Buffer.from(data).toString("utf8") };
}

function revisionOf(manifest: Uint8Array | undefined): string {
  if (manifest === undefined) return "";
  try {
    const value: unknown = JSON.parse(Buffer.from(manifest).toString("utf8"));
    if (manifestSchema.Check(value)) return value.revision ?? "";
  } catch {
    // said below
  }
  throw new AppError("invalid_bundle", "the manifest of the bundle cannot be read");
}
