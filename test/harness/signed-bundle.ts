/** Signed bundles for tests: the committed sample policy, changed and signed as the test says. */
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { join } from "node:path";
import { type BundleFiles } from "../../core/policy/bundles/bundle-files.ts";
import { readFolder } from "../../core/policy/bundles/read-folder.ts";
import { signFiles, type SigningTerms } from "../../core/policy/bundles/sign-files.ts";
import { writeArchive } from "../../core/policy/bundles/write-archive.ts";

const SAMPLE = join(import.meta.dirname, "../../rego/bundle");

export type BundleKey = { readonly keyId: string; readonly privateKey: KeyObject; readonly publicPem: string };

export function bundleKey(keyId: string): BundleKey {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return { keyId, privateKey, publicPem: publicKey.export({ type: "spki", format: "pem" }).toString() };
}

export function sampleFiles(): Promise<BundleFiles> {
  return readFolder(SAMPLE);
}

/** The files with another revision in their manifest, and with `changes` (`undefined`: without that file). */
export function changed(
  files: BundleFiles,
  revision: string,
  changes: Readonly<Record<string, string | Uint8Array | undefined>> = {},
): BundleFiles {
  const manifest: unknown = JSON.parse(Buffer.from(files.get(".manifest") ?? []).toString("utf8"));
  const result = new Map(files).set(".manifest", Buffer.from(JSON.stringify({ ...Object(manifest), revision })));
  for (const [name, content] of Object.entries(changes)) {
    if (content === undefined) result.delete(name);
    else result.set(name, Buffer.from(content));
  }
  return result;
}

type Signing = Partial<Omit<SigningTerms, "keyId" | "privateKey">>;

export async function signedArchive(files: BundleFiles, key: BundleKey, terms: Signing = {}): Promise<Buffer> {
  return writeArchive(await signFiles(files, { ...key, issuedAt: nowSeconds(), ...terms }));
}

export const nowSeconds = () => Math.floor(Date.now() / 1_000);
