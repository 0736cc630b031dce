/** Ids in names are rows of the Access Request profile's table of requirements (test/conformance/access-request-profile). */
import { generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { compactVerify, createLocalJWKSet } from "jose";
import { id } from "../domain/id.ts";
import { instant, rfc3339 } from "../domain/time.ts";
import { sealEnvelope } from "../messages/envelope.ts";
import { createSigner, createVerifier, publicJwk } from "../messages/signing.ts";
import { readBindingToken, signBindingToken } from "./binding-token.ts";

const NOW = instant(1_795_478_400_000);
const EXPIRES = instant(NOW + 900_500);
const pair = generateKeyPairSync("ed25519");
const other = generateKeyPairSync("ed25519");
const pem = (key: typeof pair) => key.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const publicPem = (key: typeof pair) => key.publicKey.export({ type: "spki", format: "pem" }).toString();
const signer = createSigner("pdp-1", pem(pair));
const verifier = createVerifier(new Map([["pdp-1", publicPem(pair)]]));
const PDP = "https://pdp.example";
const ARS = "https://approvals.example/access/v1/requests";
const binding = {
  denialId: id("denial", "01930000-0000-7000-8000-000000000001"),
  denialExpiresAt: EXPIRES,
  hash: "abc",
  contextMembers: ["device"],
};
const parties = { issuer: PDP, audience: ARS, now: NOW, tokenId: "t1" };
const token = signBindingToken(signer, binding, parties);
const read = (text: string, now = NOW, issuers = [PDP], audience = ARS) =>
  readBindingToken(verifier, text, { issuers, audience, now });
const invalid = { kind: "refused", reason: "invalid" };

const part = (value: unknown) =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const HEADER = { alg: "EdDSA", kid: "pdp-1", typ: "countersign-binding+jwt" };
const CLAIMS: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());

/** Signed by the right key, whatever it says. */
function forged(claims: object = {}, header: object = {}, key = pair.privateKey): string {
  const input = `${part({ ...HEADER, ...header })}.${part({ ...Object(CLAIMS), ...claims })}`;
  return `${input}.${sign(null, Buffer.from(input), key).toString("base64url")}`;
}

describe("a binding token is refused", () => {
  test("arap-7-7: with one bit of it changed, wherever that is", () => {
    for (let at = 0; at < token.length; at += 1) {
      for (const bit of [1, 2, 4, 8, 16, 32]) {
        const changed = token.slice(0, at) + String.fromCharCode(token.charCodeAt(at) ^ bit) + token.slice(at + 1);
        expect(read(changed)).toEqual(invalid);
      }
    }
  });

  test.each<readonly [string, object]>([
    ["without an algorithm", { alg: "none" }],
    ["by a shared secret", { alg: "HS256" }],
    ["by another algorithm than the key's", { alg: "ES256" }],
    ["of another type", { typ: "JWT" }],
    ["without a type", { typ: undefined }],
    ["without a key id", { kid: undefined }],
    ["under a key id that nobody knows", { kid: "pdp-2" }],
    ["with an extension that changes what it means", { crit: ["exp"] }],
  ])("%s", (_what, header) => {
    expect(read(forged({}, header))).toEqual(invalid);
  });

  test("signed by another key under a known id, also one that it brings along", () => {
    expect(read(forged({}, {}, other.privateKey))).toEqual(invalid);
    const jwk = other.publicKey.export({ format: "jwk" });
    expect(read(forged({}, { jwk, jku: "https://evil.example" }, other.privateKey))).toEqual(invalid);
  });

  test("that is a signed denial of the stream and no token", () => {
    const address = { deployment: "d", topic: "countersign.denials.v1", key: "k" };
    const { value, headers } = sealEnvelope(signer, address, 0, Buffer.from(JSON.stringify(CLAIMS)));
    const signature = Buffer.from(headers.get("cs-sig") ?? "", "base64").toString("base64url");
    expect(read(`${part(HEADER)}.${value.toString("base64url")}.${signature}`)).toEqual(invalid);
  });

  test.each<readonly [string, object]>([
    ["no audience", { aud: undefined }],
    ["another audience", { aud: "https://approvals.example" }],
    ["several audiences, none of them this one", { aud: ["https://a.example", "https://b.example"] }],
    ["no audience in its list", { aud: [] }],
  ])("arap-21-1-4-2: for %s", (_what, claims) => {
    expect(read(forged(claims))).toEqual(invalid);
  });

  test.each<readonly [string, object]>([
    ["no issuer", { iss: undefined }],
    ["an issuer that is not trusted here", { iss: "https://pdp.example.evil" }],
    ["no denial", { evaluation_id: undefined }],
    ["a denial id that is none", { evaluation_id: "eval_1" }],
    ["no hash", { binding_hash: undefined }],
    ["no members", { binding_context_members: undefined }],
    ["members that are no names", { binding_context_members: ["a", 1] }],
    ["no identifier", { jti: undefined }],
    ["no end", { exp: undefined }],
    ["a beginning in the future", { iat: NOW / 1_000 + 61 }],
  ])("that names %s", (_what, claims) => {
    expect(read(forged(claims))).toEqual(invalid);
  });

  test("arap-21-1-4-7: the earlier of its end and the denial's counts, and an end after the denial's is none", () => {
    expect(read(forged({ exp: EXPIRES / 1_000 + 1 }))).toEqual(invalid);
    expect(read(forged({ denial_expires_at: undefined }))).toEqual(invalid);
    expect(read(forged({ denial_expires_at: "soon" }))).toEqual(invalid);
    const early = forged({ exp: NOW / 1_000 + 10 });
    expect(read(early, instant(NOW + 9_999)).kind).toBe("binding");
    expect(read(early, instant(NOW + 10_000))).toEqual({ kind: "refused", reason: "expired" });
    expect(read(token, instant(NOW + 899_999)).kind).toBe("binding");
    expect(read(token, instant(NOW + 900_000))).toEqual({ kind: "refused", reason: "expired" });
  });
});

describe("a binding token of a decision service", () => {
  test("is read as it was signed, and only points", () => {
    expect(read(token)).toEqual({ kind: "binding", binding });
    expect(read(token, NOW, ["https://a.example", PDP]).kind).toBe("binding");
    expect(read(token, NOW, [])).toEqual(invalid);
  });

  test("arap-7-8, arap-21-1-4-8: is a compact JWS that anybody verifies by the published key", async () => {
    const keys = createLocalJWKSet({ keys: [publicJwk("pdp-1", pem(pair))] });
    const { payload, protectedHeader } = await compactVerify(token, keys);
    expect(protectedHeader).toEqual(HEADER);
    expect(JSON.parse(Buffer.from(payload).toString())).toEqual(CLAIMS);
  });

  test("arap-21-1-4-1, arap-21-1-4-3: names its issuer, its audience, when it began and ends, and itself", () => {
    expect(CLAIMS).toEqual({
      iss: PDP,
      aud: ARS,
      iat: NOW / 1_000,
      exp: NOW / 1_000 + 900,
      jti: "t1",
      evaluation_id: binding.denialId,
      denial_expires_at: rfc3339(EXPIRES),
      binding_context_members: ["device"],
      binding_hash: "abc",
    });
  });

  test("may be for several audiences", () => {
    expect(read(forged({ aud: ["https://other.example", ARS] })).kind).toBe("binding");
  });
});
