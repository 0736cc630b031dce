/**
 * Where the one-machine set keeps what has to survive: keys and tokens that are made once, the database, the decision log's
 * spool. Nobody else can list it or read a secret in it.
 */
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import { once } from "node:events";
import { link, mkdir, readFile, realpath, rm, stat, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { CannotStart } from "../../platform/lifecycle/cannot-start.ts";

/** To say its number; one that is stopped (SIGSTOP) says none. */
const HOLDER_MS = 500;

type KeyFiles = { readonly kid: string; readonly privatePath: string; readonly publicPath: string };

export type DataFolder = {
  readonly path: string;
  /** Of the state relay. */
  readonly approvalKey: KeyFiles;
  /** Of the decision service: denials and decisions. */
  readonly decisionKey: KeyFiles;
  /** What the decision service shows to redeem. */
  readonly serviceToken: string;
  /** What notifications are signed with. */
  readonly webhookSecret: string;
};

/** Makes what is missing. Rejects when the folder cannot be written. */
export async function openDataFolder(path: string): Promise<DataFolder> {
  const keys = join(path, "keys");
  // NB: as root PostgreSQL runs as somebody else, who has to pass through the folder; what is secret lies in closed ones below.
  try {
    await makeFolder(path, 0o711);
    await makeFolder(keys, 0o700);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`${path} cannot be the data folder (${why}); set COUNTERSIGN_DATA to one that you may write`, {
      cause: error,
    });
  }
  await refuseOthers(path, keys);
  return {
    path,
    approvalKey: await keyFiles(keys, "approval-1"),
    decisionKey: await keyFiles(keys, "decision-1"),
    serviceToken: await secret(join(keys, "service-token"), () => randomBytes(32).toString("base64url")),
    webhookSecret: await secret(join(keys, "webhook-secret"), () => `whsec_${randomBytes(32).toString("base64")}`),
  };
}

/** What one user began another cannot go on with: neither the keys nor the database are theirs. */
async function refuseOthers(path: string, keys: string): Promise<void> {
  const { uid } = await stat(keys);
  if (process.getuid === undefined || uid === process.getuid()) return;
  throw new CannotStart(
    `${path} belongs to the user with the number ${uid}; start as that user, or choose another folder (COUNTERSIGN_DATA)`,
  );
}

/** With those above it. NB: not `mkdir`'s own `recursive`, which never returns where nothing can be made (/proc). */
async function makeFolder(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    if (codeOf(error) === "EEXIST") return;
    if (codeOf(error) !== "ENOENT" || dirname(path) === path) throw error;
    await makeFolder(dirname(path), mode);
    await mkdir(path, { mode });
  }
}

/**
 * Held until it is disposed of, or this process ends, however that goes: a name in Linux's abstract sockets, which is nowhere on disk. NB: it
 * keeps two sets from one folder, whatever their databases; elsewhere than on Linux nothing does. @throws when somebody has it
 */
export async function lockDataFolder(path: string): Promise<AsyncDisposable> {
  if (process.platform !== "linux") return { [Symbol.asyncDispose]: () => Promise.resolve() };
  const name = createHash("sha256").update(await realpath(path));
  const lock = createServer((visitor) => visitor.on("error", () => {}).end(String(process.pid))).unref();
  const listening = once(lock, "listening");
  const address = `\0countersign-${name.digest("hex")}`;
  lock.listen(address);
  await listening.catch(async (error: unknown) => {
    if (codeOf(error) !== "EADDRINUSE") throw error;
    const other = `another process${await holderOf(address)}`;
    throw new Error(`${path} is in use by ${other}; stop it, or choose another folder (COUNTERSIGN_DATA)`);
  });
  return lock;
}

/** Its number, as it says itself: an npm that was killed leaves one running which nobody sees. Empty when it says none. */
async function holderOf(address: string): Promise<string> {
  try {
    const asked = connect(address);
    asked.setTimeout(HOLDER_MS, () => asked.destroy());
    const said = await text(asked);
    return /^\d+$/.test(said) ? ` (${said})` : "";
  } catch {
    return "";
  }
}

/** Makes a key pair once; the public half may lie elsewhere. */
export async function keyFiles(folder: string, kid: string, publicFolder = folder): Promise<KeyFiles> {
  const files = { kid, privatePath: join(folder, `${kid}.key.pem`), publicPath: join(publicFolder, `${kid}.pub.pem`) };
  const { privateKey } = generateKeyPairSync("ed25519");
  await writeOnce(files.privatePath, privateKey.export({ type: "pkcs8", format: "pem" }).toString());
  const publicKey = publicKeyOf(files.privatePath, await readFile(files.privatePath));
  await writeFile(files.publicPath, publicKey.export({ type: "spki", format: "pem" }));
  return files;
}

/** What stands in the file; made at the first time. */
export async function secret(path: string, make: () => string): Promise<string> {
  await writeOnce(path, make());
  const text = await readFile(path, "utf8");
  if (text === "") throw new Error(`${path} is empty; remove it, and the next start makes another`);
  return text;
}

function publicKeyOf(path: string, pem: Buffer): KeyObject {
  try {
    return createPublicKey(pem);
  } catch (error) {
    throw new Error(`${path} holds no private key in PEM; put it back as it was, or choose another folder`, {
      cause: error,
    });
  }
}

/** What is there stays. It is there whole or not at all, whenever this process ends. */
async function writeOnce(path: string, text: string): Promise<void> {
  if ((await stat(path).catch(() => undefined)) !== undefined) return;
  const aside = `${path}.${process.pid}.new`;
  try {
    await writeFile(aside, text, { mode: 0o600, flush: true });
    await link(aside, path);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

/** Of an error of the system, such as `EADDRINUSE`. */
export function codeOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
}
