/** Writes a bundle as a tar.gz, the same bytes for the same files: names in order, no times, no owners. */
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import tar from "tar-stream";
import { compareText } from "../../domain/elevation.ts";
import type { BundleFiles } from "./bundle-files.ts";

const compress = promisify(gzip);

export async function writeArchive(files: BundleFiles): Promise<Buffer> {
  const pack = tar.pack();
  for (const [name, bytes] of [...files].sort(([a], [b]) => compareText(a, b))) {
    pack.entry({ name: `/${name}`, mtime: new Date(0), mode: 0o644 }, Buffer.from(bytes));
  }
  pack.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of pack) if (chunk instanceof Uint8Array) chunks.push(chunk);
  return compress(Buffer.concat(chunks));
}
