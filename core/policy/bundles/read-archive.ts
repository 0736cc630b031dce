/**
 * Reads a bundle from a tar.gz as it arrives, so that what is too large is noticed while it is read and not afterwards: there are limits on
 * compressed bytes, unpacked bytes (including tar's own headers, which can be long too), entries and each file. Only regular files and folders
 * are accepted: a link could name a file of the machine.
 */
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import tar from "tar-stream";
import { AppError } from "../../domain/app-error.ts";
import { BUNDLE_LIMITS, type BundleFiles, type BundleLimits, createFileCollector, tooLarge } from "./bundle-files.ts";

/** A header and the padding of each entry, and what ends an archive. */
const TAR_ENTRY_BYTES = 2_048;

/** @throws AppError invalid_bundle; an abort and a fault of the source pass as they are */
export async function readArchive(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: { readonly limits?: BundleLimits; readonly signal?: AbortSignal } = {},
): Promise<BundleFiles> {
  const limits = options.limits ?? BUNDLE_LIMITS;
  const collector = createFileCollector(limits);
  const extract = tar.extract();
  let sourceFault: { readonly error: unknown } | undefined;
  const watched = async function* () {
    // What is thrown in while this waits at the yield is a fault of those who read, and none of the source.
    let asking = true;
    try {
      for await (const chunk of source) {
        asking = false;
        yield chunk;
        asking = true;
      }
    } catch (error) {
      if (asking) sourceFault = { error };
      throw error;
    }
  };
  const collect = async (): Promise<void> => {
    for await (const entry of extract) {
      const { type, name } = entry.header;
      collector.entry();
      if (type === "directory") {
        entry.resume();
        continue;
      }
      if (type !== "file" && type !== "contiguous-file") {
        throw new AppError("invalid_bundle", `an entry is a ${type ?? "thing of no kind"} and not a file`);
      }
      const add = collector.begin(name);
      for await (const chunk of entry) if (chunk instanceof Uint8Array) add(chunk);
    }
  };
  const flowing = pipeline(
    Readable.from(watched(), { objectMode: false }),
    atMost(
      limits.archiveBytes,
      () => new AppError("invalid_bundle", `the archive is larger than ${limits.archiveBytes} bytes`),
    ),
    createGunzip(),
    atMost(limits.totalBytes + limits.entries * TAR_ENTRY_BYTES, () => tooLarge(limits)),
    extract,
    options.signal === undefined ? {} : { signal: options.signal },
  );
  const faults = (await Promise.allSettled([flowing, collect()])).flatMap((one): unknown[] =>
    one.status === "rejected" ? [one.reason] : [],
  );
  if (faults.length > 0) {
    options.signal?.throwIfAborted();
    if (sourceFault !== undefined) throw sourceFault.error;
    // Either side ends the other one, with an error that says less.
    const known = faults.find((fault) => fault instanceof AppError);
    throw known ?? new AppError("invalid_bundle", "the archive is no tar.gz, or damaged", { cause: faults[0] });
  }
  return collector.end();
}

function atMost(limit: number, fault: () => AppError): Transform {
  let total = 0;
  return new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      total += chunk.length;
      if (total > limit) done(fault());
      else done(null, chunk);
    },
  });
}
