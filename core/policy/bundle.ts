/**
 * A policy bundle: `policy.wasm`, `data.json`, `.manifest`, and the cases that it has to pass (`self-test.json`). The manifest must name our
 * entrypoints and contain the result of the build check. Where bundles come from, and how it is proven that one may be used, is in
 * core/policy/bundles.
 */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { AppError } from "../domain/app-error.ts";
import type { Instant } from "../domain/time.ts";
import { dataOf } from "./bundles/bundle-data.ts";
import { BUNDLE_LIMITS, type BundleFiles, type BundleLimits } from "./bundles/bundle-files.ts";
import { dataTextOf } from "./bundles/documents.ts";
import { parseStructured } from "./bundles/file-hash.ts";
import { readArchive } from "./bundles/read-archive.ts";
import { readFolder } from "./bundles/read-folder.ts";
import { type InputReads, inputReadsOf } from "./input-reads.ts";
import { plainOf } from "./rego-value/plain.ts";
import { writeJson } from "./rego-value/write.ts";
import { type SelfTestCase, selfTestOf } from "./self-test.ts";

export const ENTRYPOINTS = {
  decide: "countersign/decision",
  route: "countersign/approval/route",
  mayReview: "countersign/approval/may_review",
} as const;

/** A bundle may also answer what there is to search. */
export const CANDIDATES = "countersign/candidates";

export type Bundle = {
  readonly revision: string;
  readonly wasm: Uint8Array;
  readonly dataJson: string;
  /** All of them have to pass before it decides anything. */
  readonly selfTest?: readonly SelfTestCase[];
  /** Parts of the input that its policies read, as the build found them; undefined: they may read all. */
  readonly inputReads?: InputReads | undefined;
  /** From its signature: from then on it decides nothing (`policy_expired`). */
  readonly validUntil?: Instant | undefined;
};

const Manifest = Type.Object({
  revision: Type.String({ minLength: 1, maxLength: 128, pattern: "^[!-~]+$" }),
  roots: Type.Optional(Type.Array(Type.String())),
  wasm: Type.Array(Type.Object({ entrypoint: Type.String(), module: Type.String() })),
  rego_version: Type.Optional(Type.Integer()),
  metadata: Type.Object({
    countersign: Type.Object({
      build_check: Type.Literal("passed"),
      input_paths: Type.Optional(
        Type.Array(Type.Array(Type.String(), { minItems: 1, maxItems: 16 }), { maxItems: 1_000 }),
      ),
    }),
  }),
});
type Manifest = Static<typeof Manifest>;
const manifestSchema = Compile(Manifest);

/** What a folder or a tar.gz holds, without asking who signed it: for tools and tests. @throws AppError invalid_bundle */
export async function loadBundle(path: string, limits: BundleLimits = BUNDLE_LIMITS): Promise<Bundle> {
  return bundleOf(await readBundleFiles(path, limits));
}

/** @throws AppError invalid_bundle */
export async function readBundleFiles(path: string, limits: BundleLimits = BUNDLE_LIMITS): Promise<BundleFiles> {
  try {
    const isFolder = (await stat(path)).isDirectory();
    return isFolder ? await readFolder(path, limits) : await readArchive(createReadStream(path), { limits });
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError("invalid_bundle", "the bundle cannot be read", { cause: error });
  }
}

/** NB: data is written anew from what was parsed, so that WebAssembly reads what was hashed. @throws AppError invalid_bundle */
export function bundleOf(files: BundleFiles): Bundle {
  const { roots, ...bundle } = withoutData(files);
  return { ...bundle, dataJson: writeJson(dataOf(files, roots)) };
}

/** The same; larger data is parsed in a thread of its own. @throws AppError invalid_bundle, unavailable */
export async function bundleApart(files: BundleFiles): Promise<Bundle> {
  const { roots, ...bundle } = withoutData(files);
  return { ...bundle, dataJson: await dataTextOf(files, roots) };
}

function withoutData(files: BundleFiles): Omit<Bundle, "dataJson"> & { readonly roots: readonly string[] } {
  if (files.has("patch.json")) throw new AppError("invalid_bundle", "a delta bundle holds no policy; send a whole one");
  const wasm = files.get("policy.wasm");
  const manifestBytes = files.get(".manifest");
  if (wasm === undefined || manifestBytes === undefined || !files.has("data.json")) {
    throw new AppError("invalid_bundle", "the bundle needs policy.wasm, data.json, .manifest");
  }
  const manifest = parseManifest(manifestBytes);
  const roots = manifest.roots ?? [""];
  for (const entrypoint of Object.values(ENTRYPOINTS)) {
    if (!manifest.wasm.some((one) => one.entrypoint === entrypoint)) {
      throw new AppError("invalid_bundle", `the manifest does not name the entrypoint ${entrypoint}`);
    }
    if (!roots.some((root) => root === "" || `${entrypoint}/`.startsWith(`${root.replace(/\/$/, "")}/`))) {
      throw new AppError("invalid_bundle", `the manifest's roots do not hold the entrypoint ${entrypoint}`);
    }
  }
  const reads = manifest.metadata.countersign.input_paths;
  return {
    revision: manifest.revision,
    wasm,
    roots,
    selfTest: selfTestOf(files),
    inputReads: reads === undefined ? undefined : inputReadsOf(reads),
  };
}

function parseManifest(bytes: Uint8Array): Manifest {
  const parsed = parseStructured(".manifest", bytes);
  let value: unknown;
  try {
    value = plainOf(parsed);
  } catch (error) {
    throw new AppError("invalid_bundle", "the manifest holds what cannot be kept", { cause: error });
  }
  if (!manifestSchema.Check(value)) {
    const first = manifestSchema.Errors(value)[0];
    throw new AppError("invalid_bundle", `manifest: ${first?.instancePath ?? ""} ${first?.message ?? "is not valid"}`);
  }
  return value;
}
