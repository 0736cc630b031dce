/**
 * The files of a bundle by name, collected under limits, whatever they are read from. A bundle comes from outside, and a few kilobytes of gzip
 * can hold gigabytes: sizes and the number of entries are limited while it is read, before anything is parsed. Names are relative paths without
 * `.`, `..`, empty parts, backslashes or control characters, and each occurs once: two readers must not be able to see different bundles in one
 * archive.
 */
import { createHash } from "node:crypto";
import { AppError } from "../../domain/app-error.ts";
import { compareText } from "../../domain/elevation.ts";

/** By name, such as `policy.wasm` or `teams/data.json`: no leading slash. */
export type BundleFiles = ReadonlyMap<string, Uint8Array>;

export type BundleLimits = {
  /** As it travels, compressed. */
  readonly archiveBytes: number;
  readonly wasmBytes: number;
  /** Of each `data.json`. */
  readonly dataBytes: number;
  /** Of every other file. */
  readonly otherBytes: number;
  /** Of all files together. */
  readonly totalBytes: number;
  readonly entries: number;
};

const MIB = 1024 * 1024;

/** A large policy compiles to about 1 MiB; data is loaded into WebAssembly and costs about eight times its size. */
export const BUNDLE_LIMITS: BundleLimits = {
  archiveBytes: 32 * MIB,
  wasmBytes: 16 * MIB,
  dataBytes: 4 * MIB,
  otherBytes: MIB,
  totalBytes: 32 * MIB,
  entries: 1_000,
};

const MAX_NAME_BYTES = 255;

type FileCollector = {
  readonly files: BundleFiles;
  /** Counts one entry of any kind. @throws AppError invalid_bundle beyond the limit */
  entry(): void;
  /** Begins a file; its bytes are handed over one chunk after the other. @throws AppError invalid_bundle */
  begin(rawName: string): (chunk: Uint8Array) => void;
  /** Every file has ended. */
  end(): BundleFiles;
};

export function createFileCollector(limits: BundleLimits): FileCollector {
  const chunksOf = new Map<string, Uint8Array[]>();
  const files = new Map<string, Uint8Array>();
  let entries = 0;
  let total = 0;
  return {
    files,
    entry() {
      entries++;
      if (entries > limits.entries)
        throw new AppError("invalid_bundle", `there are more than ${limits.entries} entries`);
    },
    begin(rawName) {
      const name = fileName(rawName);
      if (chunksOf.has(name)) throw new AppError("invalid_bundle", `${name} is there twice`);
      const chunks: Uint8Array[] = [];
      chunksOf.set(name, chunks);
      const limit = limitOf(name, limits);
      let size = 0;
      return (chunk) => {
        size += chunk.length;
        total += chunk.length;
        if (size > limit) throw new AppError("invalid_bundle", `${name} is larger than ${limit} bytes`);
        if (total > limits.totalBytes) throw tooLarge(limits);
        chunks.push(chunk);
      };
    },
    end() {
      for (const [name, chunks] of chunksOf) files.set(name, Buffer.concat(chunks));
      return files;
    },
  };
}

export function tooLarge({ totalBytes }: BundleLimits): AppError {
  return new AppError("invalid_bundle", `the bundle is larger than ${totalBytes} bytes when it is unpacked`);
}

export function baseName(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

/** The same for the same files, in whatever order, archive or folder they come. */
export function fingerprintOf(files: BundleFiles): string {
  const hash = createHash("sha256");
  for (const [name, bytes] of [...files].sort(([a], [b]) => compareText(a, b))) {
    hash.update(`${Buffer.byteLength(name)}:${name}${bytes.length}:`).update(bytes);
  }
  return hash.digest("hex");
}

function limitOf(name: string, { wasmBytes, dataBytes, otherBytes }: BundleLimits): number {
  if (name === "policy.wasm") return wasmBytes;
  return baseName(name) === "data.json" ? dataBytes : otherBytes;
}

/** OPA writes names with a leading slash, tar with a leading `./`. */
function fileName(raw: string): string {
  const name = raw.replace(/^(\.\/|\/)/, "");
  const isPlain = name.split("/").every((part) => part !== "" && part !== "." && part !== "..");
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (!isPlain || /[\u0000-\u001f\u007f\\]/.test(name) || Buffer.byteLength(name) > MAX_NAME_BYTES) {
    throw new AppError("invalid_bundle", "an entry has a name that no file of a bundle has");
  }
  return name;
}
