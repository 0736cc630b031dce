/**
 * Stands in for node:fs/promises where a file is replaced whole (platform/replace-file.ts): crash points when half of it is written beside the
 * old one, when all of it is, and when it has its name, which the disk need not know yet.
 */
import * as real from "node:fs/promises";
import { basename } from "node:path";
import type { KeptName } from "./effects.ts";
import { reach, refuse } from "./reach.ts";

export * from "node:fs/promises";

export async function writeFile(path: string, content: string | Uint8Array, options: { readonly mode: number }) {
  const bytes = Buffer.from(content);
  await real.writeFile(path, bytes.subarray(0, bytes.length / 2), options);
  reach(`${nameOf(path)} half written`);
  await real.writeFile(path, bytes, options);
}

export async function rename(from: string, to: string): Promise<void> {
  reach(`${nameOf(to)} before rename`);
  await real.rename(from, to);
  reach(`${nameOf(to)} after rename`);
}

function nameOf(path: string): KeptName {
  const name = basename(path);
  if (name.startsWith("last-good.tar.gz")) return "kept bundle";
  return /^[0-9a-f]{32}\.json/.test(name) ? "kept keys" : refuse(`file: ${name}`);
}
