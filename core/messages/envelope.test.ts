import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { ENVELOPE_HEADERS, type EnvelopeAddress, openEnvelope, type SealedEnvelope, sealEnvelope } from "./envelope.ts";
import { lengthPrefixed } from "./hashing.ts";
import { createSigner, createVerifier, publicPemOf } from "./signing.ts";
import { MAX_RECORD_BYTES } from "./topics.ts";

const pair = () => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return {
    privatePem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    publicPem: publicKey.export({ type: "spki", format: "pem" }).toString(),
  };
};
const relay = pair();
const stranger = pair();
const signer = createSigner("relay-1", relay.privatePem);
const verifier = createVerifier(new Map([["relay-1", relay.publicPem]]));
const address: EnvelopeAddress = { deployment: "prod", topic: "countersign.state.v1", key: "grant/1" };
const payload = Buffer.from('{"v":1}');

const asRead = ({ value, headers }: SealedEnvelope) => ({
  value,
  headers: new Map([...headers].map(([name, text]) => [name, Buffer.from(text)])),
});

describe("envelope", () => {
  test("a record signed by a key that is not known is not opened, whatever key id it claims", () => {
    const forged = sealEnvelope(createSigner("relay-1", stranger.privatePem), address, 1, payload);
    expect(openEnvelope(verifier, address, asRead(forged))).toEqual({ kind: "fault", reason: "signature_invalid" });
    const foreign = sealEnvelope(createSigner("other", stranger.privatePem), address, 1, payload);
    expect(openEnvelope(verifier, address, asRead(foreign))).toEqual({ kind: "fault", reason: "signature_invalid" });
  });

  test.each([
    ["deployment", { ...address, deployment: "test" }],
    ["topic", { ...address, topic: "countersign.denials.v1" }],
    ["key", { ...address, key: "grant/2" }],
  ])("a record cannot be moved to another %s", (_name, elsewhere) => {
    const sealed = asRead(sealEnvelope(signer, address, 1, payload));
    expect(openEnvelope(verifier, elsewhere, sealed)).toEqual({ kind: "fault", reason: "signature_invalid" });
  });

  test("a record cannot be given another version", () => {
    const sealed = asRead(sealEnvelope(signer, address, 1, payload));
    sealed.headers.set(ENVELOPE_HEADERS.version, Buffer.from("2"));
    expect(openEnvelope(verifier, address, sealed)).toEqual({ kind: "fault", reason: "signature_invalid" });
  });

  test.each(["", "-1", "1.0", "01e3", "9".repeat(17), " 1"])("version %j is malformed", (version) => {
    const sealed = asRead(sealEnvelope(signer, address, 1, payload));
    sealed.headers.set(ENVELOPE_HEADERS.version, Buffer.from(version));
    expect(openEnvelope(verifier, address, sealed)).toEqual({ kind: "fault", reason: "version_malformed" });
  });

  test("a null, a missing header and an oversize value each have their own fault", () => {
    const sealed = asRead(sealEnvelope(signer, address, 1, payload));
    expect(openEnvelope(verifier, address, { ...sealed, value: null })).toEqual({ kind: "fault", reason: "tombstone" });
    const oversize = { ...sealed, value: Buffer.alloc(MAX_RECORD_BYTES + 1) };
    expect(openEnvelope(verifier, address, oversize)).toEqual({ kind: "fault", reason: "oversize" });
    sealed.headers.delete(ENVELOPE_HEADERS.signature);
    expect(openEnvelope(verifier, address, sealed)).toEqual({ kind: "fault", reason: "headers_missing" });
  });

  test("a signature over the payload does not pass for one over its digest, nor the other way round, nor for one over another kind of digest", () => {
    const open = (form: "payload" | "digest", header: string | undefined) => {
      const sealed = asRead(sealEnvelope(signer, address, 1, payload, form));
      sealed.headers.delete("cs-digest");
      if (header !== undefined) sealed.headers.set("cs-digest", Buffer.from(header));
      return openEnvelope(verifier, address, sealed);
    };
    const invalid = { kind: "fault", reason: "signature_invalid" };
    expect(open("payload", "sha256")).toEqual(invalid);
    expect(open("digest", undefined)).toEqual(invalid);
    expect(open("digest", "sha512")).toEqual(invalid);
    expect(open("digest", "")).toEqual(invalid);
    expect(open("digest", "sha256")).toMatchObject({ kind: "opened", payload });
    expect(open("payload", undefined)).toMatchObject({ kind: "opened", payload });
  });

  test.each(["payload", "digest"] as const)("any changed byte of the payload is found, the %s being signed", (form) => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 64 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (bytes, at, flip) => {
          const sealed = asRead(sealEnvelope(signer, address, 7, bytes, form));
          expect(openEnvelope(verifier, address, sealed)).toMatchObject({ kind: "opened", kid: "relay-1", version: 7 });
          const index = at % sealed.value.length;
          sealed.value[index] = (sealed.value[index] ?? 0) ^ flip;
          expect(openEnvelope(verifier, address, sealed)).toEqual({ kind: "fault", reason: "signature_invalid" });
        },
      ),
      { numRuns: 200 },
    );
  });

  test("keys of another kind and malformed key ids are refused by name", () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    expect(() => createSigner("a", pem)).toThrow(/is ec, not ed25519/);
    expect(() => createSigner("../a", relay.privatePem)).toThrow(/key id/);
    expect(() => createVerifier(new Map([["a", "no pem"]]))).toThrow(/not a readable PEM/);
    expect(() => createVerifier(new Map([["a", pem]]))).toThrow(/private key/);
  });

  test("a private key is no key to verify with, though one could be made of it: the file would lie where readers are", () => {
    expect(() => createVerifier(new Map([["a", relay.privatePem]]))).toThrow("key a is a private key");
    expect(publicPemOf("a", relay.privatePem)).toBe(relay.publicPem);
  });

  test("no two lists of parts have the same bytes", () => {
    const parts = fc.array(fc.string({ maxLength: 6 }), { maxLength: 4 });
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        expect(lengthPrefixed(a).equals(lengthPrefixed(b))).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    );
  });
});
