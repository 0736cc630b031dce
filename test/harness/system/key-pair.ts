/** An Ed25519 key pair of one key id, as two PEM files in a folder: the private one for its writer, the public one for its readers. */
import { generateKeyPairSync } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

export type KeyPairFiles = { readonly kid: string; readonly privatePath: string; readonly publicPath: string };

export async function makeKeyPair(folder: string, kid: string): Promise<KeyPairFiles> {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const files = { kid, privatePath: join(folder, `${kid}.key.pem`), publicPath: join(folder, `${kid}.pub.pem`) };
  await writeFile(files.privatePath, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  await writeFile(files.publicPath, publicKey.export({ type: "spki", format: "pem" }));
  return files;
}
