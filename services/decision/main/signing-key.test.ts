import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { createVerifier, publicPemOf, type Signer } from "../../../core/messages/signing.ts";
import { startSigningKey } from "./signing-key.ts";

const pem = () => generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const [FIRST, SECOND] = [pem(), pem()];
const MESSAGE = Buffer.from("a decision");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "signing-key-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

type Part = Parameters<typeof startSigningKey>[0]["reload"]["part"];

/** A key file, its id, and SIGHUP. */
async function started() {
  const keyPath = join(folder, "key.pem");
  writeFileSync(keyPath, FIRST);
  let take: Parameters<Part>[2] = () => {};
  const part: Part = (_name, _keys, one) => void (take = one);
  const key = await startSigningKey({ reload: { part } }, { kid: "pdp-a", keyPath });
  const reload = async (kid: string, text: string) => {
    writeFileSync(keyPath, text);
    await take({ signing: { kid, keyPath } });
  };
  return { key, reload };
}

const signs = (signer: Signer, kid: string, text: string) =>
  signer.kid === kid &&
  createVerifier(new Map([[kid, publicPemOf(kid, text)]])).verify(kid, MESSAGE, signer.sign(MESSAGE));

test("another key under another id signs from then on, what was given the one before keeps it, and both are shown", async () => {
  const { key, reload } = await started();
  const kept = key.current();
  const taken: string[] = [];
  key.onReplaced((next) => taken.push(`${next.kid} before ${key.signer.kid}`));
  await reload("pdp-b", SECOND);
  expect(taken).toEqual(["pdp-b before pdp-a"]);
  expect(signs(key.signer, "pdp-b", SECOND)).toBe(true);
  expect(signs(key.current(), "pdp-b", SECOND)).toBe(true);
  expect(signs(kept, "pdp-a", FIRST)).toBe(true);
  expect(key.publicKeys().map(({ kid }) => kid)).toEqual(["pdp-b", "pdp-a"]);
  await reload("pdp-a", FIRST);
  expect(key.publicKeys().map(({ kid }) => kid)).toEqual(["pdp-a", "pdp-b"]);
});

test("the same key is not taken anew: it would end a log for nothing", async () => {
  const { key, reload } = await started();
  key.onReplaced(() => {
    throw new Error("told of no other key");
  });
  await reload("pdp-a", FIRST);
  expect(key.publicKeys()).toHaveLength(1);
});

test.each([
  ["another key under an id that is in use", "pdp-a", () => SECOND, /another id/],
  ["half a key file", "pdp-b", () => SECOND.slice(0, 60), /not a readable PEM key/],
])("%s is refused, and the one before goes on", async (_what, kid, text, why) => {
  const { key, reload } = await started();
  await expect(reload(kid, text())).rejects.toThrow(why);
  expect(signs(key.signer, "pdp-a", FIRST)).toBe(true);
  expect(key.publicKeys().map((one) => one.kid)).toEqual(["pdp-a"]);
});

test("a key whose log cannot be begun is refused", async () => {
  const { key, reload } = await started();
  key.onReplaced(() => {
    throw new Error("the spool cannot be written");
  });
  await expect(reload("pdp-b", SECOND)).rejects.toThrow("the spool");
  expect(signs(key.signer, "pdp-a", FIRST)).toBe(true);
  expect(signs(key.current(), "pdp-a", FIRST)).toBe(true);
});
