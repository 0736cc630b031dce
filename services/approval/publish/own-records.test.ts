import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "@jest/globals";
import { sealEnvelope, type SealedEnvelope } from "../../../core/messages/envelope.ts";
import { createSigner } from "../../../core/messages/signing.ts";
import { createOwnRecords } from "./own-records.ts";

const { privateKey } = generateKeyPairSync("ed25519");
const signer = createSigner("relay", privateKey.export({ type: "pkcs8", format: "pem" }).toString());
const sealed = (version: number, payload = `{"version":${version}}`) =>
  sealEnvelope(signer, { deployment: "d", topic: "t", key: "k" }, version, Buffer.from(payload));

function read({ value, headers }: SealedEnvelope, key: string | null = "k") {
  return { key, value, headers: new Map([...headers].map(([name, text]) => [name, Buffer.from(text)])) };
}

function sent(...records: readonly SealedEnvelope[]) {
  const own = createOwnRecords();
  for (const record of records) own.sending("k", record);
  return own;
}

test.each([
  ["another value under the same signature", read({ ...sealed(1), value: Buffer.from('{"version":2}') })],
  ["another version over the same value", read(sealed(2, '{"version":1}'))],
  ["another signature", read({ ...sealed(1), headers: new Map([...sealed(1).headers, ["cs-sig", "AAAA"]]) })],
  ["another key", read(sealed(1), "other")],
  ["no key", read(sealed(1), null)],
  ["a null", { ...read(sealed(1)), value: null }],
  ["no headers", { ...read(sealed(1)), headers: new Map() }],
])("%s is not what was sent", (_name, record) => {
  expect(sent(sealed(1)).isOwn(record)).toBe(false);
});

test("what was sent is known once; a replay of it has to be verified", () => {
  const own = sent(sealed(1));
  expect(own.isOwn(read(sealed(1)))).toBe(true);
  expect(own.isOwn(read(sealed(1)))).toBe(false);
});

test("of a key only the last one is remembered", () => {
  const own = sent(sealed(1), sealed(2));
  expect(own.isOwn(read(sealed(1)))).toBe(false);
  expect(own.isOwn(read(sealed(2)))).toBe(true);
});
