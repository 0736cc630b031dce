import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { publicPemOf } from "../../../core/messages/signing.ts";
import { startKeys } from "./keys.ts";

const [OURS, OTHERS] = Array.from({ length: 2 }, () =>
  generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
);
const BYTES = Buffer.from("a grant");
let folder: string;
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "keys-"));
  await writeFile(at("ours"), OURS ?? "");
  await writeFile(at("others"), OTHERS ?? "");
  await writeFile(at("ours.pub"), publicPemOf("k", OURS ?? ""));
  await writeFile(at("others.pub"), publicPemOf("k", OTHERS ?? ""));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type Deps = Parameters<typeof startKeys>[0];
type Configured = Parameters<typeof startKeys>[1];

const configured = (decision: Record<string, string>, previousKeys: Record<string, string> = {}): Configured => ({
  signing: { kid: "key-1", keyPath: at("ours"), previousKeys },
  decisionServices: { trustedKeys: decision },
});

async function started(config: Configured) {
  const parts = new Map<string, Parameters<Deps["reload"]["part"]>[2]>();
  const keys = await startKeys({ reload: { part: (name, _keys, take) => void parts.set(name, take) } }, config);
  return { keys, parts };
}

test("the key of grants is refused as one of decisions, under whatever id, also at a reload", async () => {
  const shared = "decisionServices.trustedKeys: key decision-1 is the one this service signs with";
  const both = configured({ other: at("others.pub"), "decision-1": at("ours.pub") });
  await expect(started(both)).rejects.toThrow(shared);
  const { parts } = await started(configured({ other: at("others.pub") }));
  await expect(parts.get("decision_service_keys")?.(both)).rejects.toThrow("key decision-1 is the one");
  const theirs = { ...both.signing, keyPath: at("others") };
  await expect(parts.get("signing_keys")?.({ ...both, signing: theirs })).rejects.toThrow("key other is the one");
});

test("another key may have the same id, as two services may call theirs, but not as the one before", async () => {
  const { keys } = await started(configured({ "key-1": at("others.pub") }, { "key-1": at("ours.pub") }));
  expect(keys.ownKeys.verify("key-1", BYTES, keys.signer.sign(BYTES))).toBe(true);
  expect(keys.decisionServiceKeys.verify("key-1", BYTES, keys.signer.sign(BYTES))).toBe(false);
  const another = started(configured({ "key-1": at("others.pub") }, { "key-1": at("others.pub") }));
  await expect(another).rejects.toThrow("signing.previousKeys: key key-1 is another than that of signing.keyPath");
});
