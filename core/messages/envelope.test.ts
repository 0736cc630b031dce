import { generateKeyPairSync, randomBytes } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { readDecisionBatch } from "./decision-record.ts";
import {
  ENVELOPE_HEADERS,
  type EnvelopeAddress,
  type EnvelopeForm,
  MAX_UNPACKED_BYTES,
  openEnvelope,
  type SealedEnvelope,
  sealEnvelope,
  shownPayload,
} from "./envelope.ts";
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
const FORMS: readonly EnvelopeForm[] = ["payload", "digest", "packed"];

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

  test("no form of signature passes for another, nor for one of a name that is not known", () => {
    const open = (form: EnvelopeForm, header: string | undefined) => {
      const sealed = asRead(sealEnvelope(signer, address, 1, payload, form));
      sealed.headers.delete("cs-digest");
      if (header !== undefined) sealed.headers.set("cs-digest", Buffer.from(header));
      return openEnvelope(verifier, address, sealed);
    };
    const headers: Readonly<Record<EnvelopeForm, string | undefined>> = {
      ...{ payload: undefined, digest: "sha256", packed: "sha256-zstd" },
    };
    for (const form of FORMS) {
      expect(open(form, headers[form])).toMatchObject({ kind: "opened", payload });
      const others = FORMS.filter((other) => other !== form).map((other) => headers[other]);
      for (const header of [...others, "sha512", "", "zstd"])
        expect(open(form, header)).toEqual({ kind: "fault", reason: "signature_invalid" });
    }
  });

  test("what is packed is unpacked behind its signature, up to what a payload may be; what is more, or no frame, is no payload that can be parsed", () => {
    const open = (form: EnvelopeForm, header: string, bytes: Buffer) => {
      const sealed = asRead(sealEnvelope(signer, address, 1, bytes, form));
      sealed.headers.set("cs-digest", Buffer.from(header));
      return openEnvelope(verifier, address, sealed);
    };
    const full = Buffer.alloc(MAX_UNPACKED_BYTES, "[");
    expect(open("packed", "sha256-zstd", full)).toMatchObject({ kind: "opened", payload: full });
    const bomb = open("packed", "sha256-zstd", Buffer.alloc(64 * MAX_UNPACKED_BYTES, "["));
    if (bomb.kind !== "opened") throw new Error(bomb.reason);
    expect(bomb.payload.length).toBeLessThan(MAX_RECORD_BYTES);
    expect(readDecisionBatch(bomb.payload)).toMatchObject({ kind: "malformed" });
    const large = asRead(sealEnvelope(signer, address, 1, randomBytes(2 * MAX_RECORD_BYTES), "packed"));
    expect(openEnvelope(verifier, address, large)).toEqual({ kind: "fault", reason: "oversize" });
  });

  test("a packed payload is shown unpacked to whoever looks at what was set aside, and anything else as it stands", () => {
    const { value, headers } = asRead(sealEnvelope(signer, address, 1, payload, "packed"));
    expect(shownPayload(value, headers)).toEqual(payload);
    expect(shownPayload(payload, headers)).toEqual(payload);
    expect(shownPayload(value, new Map())).toEqual(value);
  });

  test.each(FORMS)("any changed byte of the payload is found, the %s being signed", (form) => {
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
