/**
 * The issuer's Ed25519 key, made at the first start and kept in a folder, so that tokens outlive a restart. It stands there unencrypted:
 * one more reason why this issuer is for development only.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { calculateJwkThumbprint, exportJWK, type JWK } from "jose";
import { uuidv7 } from "../../platform/clock.ts";

export type SigningKey = {
  readonly privateKey: KeyObject;
  readonly kid: string;
  /** The public half as it is published. */
  readonly jwk: JWK;
};

/** Reads the key of a folder, or makes it. Two processes that start at once have the same key. */
export async function signingKeyIn(folder: string): Promise<SigningKey> {
  const path = join(folder, "signing-key.pem");
  const privateKey = createPrivateKey((await read(path)) ?? (await make(folder, path)));
  const jwk = await exportJWK(createPublicKey(privateKey));
  const kid = await calculateJwkThumbprint(jwk);
  return { privateKey, kid, jwk: { ...jwk, kid, alg: "EdDSA", use: "sig" } };
}

async function make(folder: string, path: string): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { privateKey } = generateKeyPairSync("ed25519");
  // Written aside and linked, so that nobody reads half a key and the first one stays.
  const fresh = `${path}.${uuidv7()}`;
  await writeFile(fresh, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  await link(fresh, path).catch((error: unknown) => {
    if (!isCode(error, "EEXIST")) throw error;
  });
  await rm(fresh);
  return readFile(path, "utf8");
}

async function read(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

function isCode(error: unknown, code: string): boolean {
  return typeof error === "object" && error !== null && "code" in error && error.code === code;
}
