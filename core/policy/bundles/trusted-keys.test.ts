import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { expect, test } from "@jest/globals";
import { createTrustedKeys } from "./trusted-keys.ts";

const spki = (key: KeyObject) => key.export({ type: "spki", format: "pem" }).toString();
const ed25519 = generateKeyPairSync("ed25519");
const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
const trusted = (pem: string) => createTrustedKeys(new Map([["policy-1", pem]])).get("policy-1")?.algorithms;

test.each([
  ["pkcs8", ed25519.privateKey],
  ["pkcs8", p256.privateKey],
  ["sec1", p256.privateKey],
] as const)("a private key (%s) is refused by name, though a public one could be made of it", (type, key) => {
  expect(() => trusted(key.export({ type, format: "pem" }).toString())).toThrow("key policy-1 is a private key");
});

test.each([
  ["of a curve that is not meant", spki(generateKeyPairSync("ec", { namedCurve: "secp256k1" }).publicKey)],
  ["of 1,024 bits", spki(generateKeyPairSync("rsa", { modulusLength: 1_024 }).publicKey)],
  ["that is none", "no PEM"],
])("a key %s is refused", (_what, pem) => {
  expect(() => trusted(pem)).toThrow("key policy-1");
});

test("a public key verifies what its kind can, and nothing else", () => {
  expect(trusted(spki(ed25519.publicKey))).toEqual(["EdDSA"]);
  expect(trusted(spki(p256.publicKey))).toEqual(["ES256"]);
});
