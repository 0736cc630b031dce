import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createSigner, publicPemOf, type Signer } from "../../../core/messages/signing.ts";
import { startStateKeys } from "./state-keys.ts";

const pem = () => generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const [OWN, RELAY] = [pem(), pem()];
const [own, relay] = [createSigner("key-1", OWN), createSigner("key-1", RELAY)];
const BYTES = Buffer.from("a grant");
let folder: string;
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "state-keys-"));
  await writeFile(at("own.pub"), publicPemOf("k", OWN));
  await writeFile(at("relay.pub"), publicPemOf("k", RELAY));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type Part = Parameters<typeof startStateKeys>[0]["reload"]["part"];

async function started(trustedKeys: Record<string, string>) {
  let [take, replaced]: [Parameters<Part>[2], (next: Signer) => void] = [() => {}, () => {}];
  const verifier = await startStateKeys(
    {
      reload: { part: (_name, _keys, one) => void (take = one) },
      signingKey: { signer: own, onReplaced: (one) => void (replaced = one) },
    },
    { trustedKeys },
  );
  const reload = async (keys: Record<string, string>) => take({ state: { trustedKeys: keys, readyWithinMs: 0 } });
  return { verifier, reload, replace: (next: Signer) => replaced(next) };
}

test("this service's own key is refused as one of grants, under whatever id: at the start, at a reload, and when it becomes its own", async () => {
  const said = "key relay-2 is the one this service signs with";
  const keys = { "relay-1": at("relay.pub"), "relay-2": at("own.pub") };
  await expect(started(keys)).rejects.toThrow(`state.trustedKeys: ${said}`);
  const { verifier, reload, replace } = await started({ "relay-1": at("relay.pub") });
  await expect(reload(keys)).rejects.toThrow(said);
  expect(() => replace(createSigner("key-2", RELAY))).toThrow("key relay-1 is the one this service signs with");
  expect(verifier.verify("relay-2", BYTES, own.sign(BYTES))).toBe(false);
});

test("a relay's key may have the id of this service's own", async () => {
  const { verifier, reload } = await started({ "key-1": at("relay.pub") });
  expect(verifier.verify("key-1", BYTES, own.sign(BYTES))).toBe(false);
  expect(verifier.verify("key-1", BYTES, relay.sign(BYTES))).toBe(true);
  await reload({ "relay-9": at("relay.pub") });
  expect(verifier.verify("key-1", BYTES, relay.sign(BYTES))).toBe(false);
  expect(verifier.verify("relay-9", BYTES, relay.sign(BYTES))).toBe(true);
});
