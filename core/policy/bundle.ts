/**
 * A policy bundle as read from a directory or a tar.gz: `policy.wasm`, `data.json`, `.manifest`. Sizes are limited
 * before anything is parsed (a few kilobytes of gzip can hold gigabytes), the manifest must name our entrypoints and
 * carry the result of the build check. This is the one place where signatures are to be verified, before `parse`.
 */
import { createReadStream } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import tar from "tar-stream";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { AppError } from "../domain/app-error.ts";

export const ENTRYPOINTS = {
  decide: "countersign/decision",
  route: "countersign/approval/route",
  mayReview: "countersign/approval/may_review",
} as const;

export type Bundle = {
  readonly revision: string;
  readonly wasm: Uint8Array;
  readonly dataJson: string;
};

export type BundleLimits = { readonly wasmBytes: number; readonly dataBytes: number };

/** A large policy compiles to about 1 MiB; data is loaded into WebAssembly and costs about eight times its size. */
export const BUNDLE_LIMITS: BundleLimits = { wasmBytes: 16 * 1024 * 1024, dataBytes: 4 * 1024 * 1024 };
const MAX_MANIFEST_BYTES = 256 * 1024;
const FILES = ["policy.wasm", "data.json", ".manifest"] as const;
type FileName = (typeof FILES)[number];

const Manifest = Type.Object({
  revision: Type.String({ minLength: 1, maxLength: 128 }),
  roots: Type.Array(Type.String()),
  wasm: Type.Array(Type.Object({ entrypoint: Type.String(), module: Type.String() })),
  rego_version: Type.Optional(Type.Integer()),
  metadata: Type.Object({ countersign: Type.Object({ build_check: Type.Literal("passed") }) }),
});
export type Manifest = Static<typeof Manifest>;
const manifestSchema = Compile(Manifest);

/** @throws AppError invalid_bundle */
export async function loadBundle(path: string, limits: BundleLimits = BUNDLE_LIMITS): Promise<Bundle> {
  return parse(await readBundleFiles(path, limits));
}

/** The files of a bundle that are known here, under the limits; which of them must be there is for the caller to say. */
export type BundleFiles = ReadonlyMap<FileName, Uint8Array>;

/** @throws AppError invalid_bundle */
export async function readBundleFiles(path: string, limits: BundleLimits = BUNDLE_LIMITS): Promise<BundleFiles> {
  return readFiles(path, limits).catch((error: unknown) => {
    if (error instanceof AppError) throw error;
    throw new AppError("invalid_bundle", "the bundle cannot be read", { cause: error });
  });
}

async function readFiles(path: string, limits: BundleLimits): Promise<BundleFiles> {
  const info = await stat(path);
  return info.isDirectory() ? readDirectory(path, limits) : readArchive(path, limits);
}

function limitOf(name: FileName, limits: BundleLimits): number {
  return name === "policy.wasm" ? limits.wasmBytes : name === "data.json" ? limits.dataBytes : MAX_MANIFEST_BYTES;
}

async function readDirectory(path: string, limits: BundleLimits): Promise<BundleFiles> {
  const files = new Map<FileName, Uint8Array>();
  for (const name of FILES) {
    await using file = await openIfThere(join(path, name));
    if (file === undefined) continue;
    const limit = limitOf(name, limits);
    if ((await file.stat()).size > limit) throw new AppError("invalid_bundle", `${name} is too large`);
    files.set(name, await file.readFile());
  }
  return files;
}

/** NB: only what is not there is left out; what cannot be read is a fault. */
async function openIfThere(file: string): Promise<FileHandle | undefined> {
  return open(file, "r").catch((error: unknown) => {
    if (Error.isError(error) && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  });
}

async function readArchive(path: string, limits: BundleLimits): Promise<BundleFiles> {
  const files = new Map<FileName, Uint8Array>();
  const extract = tar.extract();
  let total = 0;
  const collect = async (): Promise<void> => {
    for await (const entry of extract) {
      const name = FILES.find((known) => entry.header.name.replace(/^\.?\//, "") === known);
      const limit = name === undefined ? MAX_MANIFEST_BYTES : limitOf(name, limits);
      const chunks: Uint8Array[] = [];
      let size = 0;
      for await (const chunk of entry) {
        if (!(chunk instanceof Uint8Array)) continue;
        size += chunk.length;
        total += chunk.length;
        if (size > limit || total > limits.wasmBytes + limits.dataBytes + MAX_MANIFEST_BYTES) {
          throw new AppError("invalid_bundle", `${name ?? "a file"} in the bundle is too large`);
        }
        chunks.push(chunk);
      }
      if (name !== undefined) files.set(name, Buffer.concat(chunks));
    }
  };
  await Promise.all([pipeline(createReadStream(path), createGunzip(), extract), collect()]);
  return files;
}

function parse(files: BundleFiles): Bundle {
  const [wasm, data, manifestBytes] = FILES.map((name) => files.get(name));
  if (wasm === undefined || data === undefined || manifestBytes === undefined) {
    throw new AppError("invalid_bundle", `the bundle needs ${FILES.join(", ")}`);
  }
  const manifest = parseManifest(Buffer.from(manifestBytes).toString("utf8"));
  for (const entrypoint of Object.values(ENTRYPOINTS)) {
    if (!manifest.wasm.some((one) => one.entrypoint === entrypoint)) {
      throw new AppError("invalid_bundle", `the manifest does not name the entrypoint ${entrypoint}`);
    }
  }
  return { revision: manifest.revision, wasm, dataJson: Buffer.from(data).toString("utf8") };
}

function parseManifest(text: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new AppError("invalid_bundle", "the manifest is not JSON", { cause: error });
  }
  if (!manifestSchema.Check(value)) {
    const first = manifestSchema.Errors(value)[0];
    throw new AppError("invalid_bundle", `manifest: ${first?.instancePath ?? ""} ${first?.message ?? "is not valid"}`);
  }
  return value;
}
