/**
 * Keys to verify and to sign with: one PEM certificate or public key, or a JWK or JWK set. One JWK of an unknown type, or
 * with parameters that do not make a key, spoils the whole set, as in OPA.
 * NB: an HMAC secret comes from a JWK of type `oct` or from the secret itself, never from a public key's text.
 */
import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject, X509Certificate } from "node:crypto";
import { BuiltinError, type Pay } from "../../builtin.ts";
import { isRegoArray, RegoObject, type RegoValue } from "../../rego-value/value.ts";
import { writeJson } from "../../rego-value/write.ts";
import { decodeBase64Url } from "../go-base64.ts";
import { nextPemBlock } from "../pem.ts";
import { parseJson } from "./token.ts";

export type Material =
  | { readonly kind: "public"; readonly key: KeyObject }
  | { readonly kind: "private"; readonly key: KeyObject }
  | { readonly kind: "secret"; readonly bytes: Uint8Array };

export type Key = { readonly material: Material; readonly kid: string; readonly alg: string };

const FAMILIES = ["HS", "RS", "PS", "ES"].flatMap((family) => ["256", "384", "512"].map((size) => `${family}${size}`));
export const ALGORITHMS: ReadonlySet<string> = new Set([...FAMILIES, "EdDSA"]);

/** In fuel: of each key of a set after the first, which is in the price. */
const PER_FURTHER_KEY = 450_000;

/** Keys with an algorithm that is none of a JWS are left out. */
export function verificationKeys(text: string, pay: Pay): readonly Key[] {
  const block = nextPemBlock(text);
  if (block === undefined) return jwkSet(text, pay).filter(({ alg }) => alg === "" || ALGORITHMS.has(alg));
  if (block.rest !== "") throw new BuiltinError("extra data after a PEM certificate block");
  return [{ material: { kind: "public", key: pemKey(block.type, block.bytes) }, kid: "", alg: "" }];
}

function pemKey(type: string, bytes: Uint8Array): KeyObject {
  try {
    if (type === "CERTIFICATE") return new X509Certificate(bytes).publicKey;
    if (type === "PUBLIC KEY") return createPublicKey({ key: Buffer.from(bytes), format: "der", type: "spki" });
  } catch (error) {
    throw new BuiltinError("failed to parse a PEM key", { cause: error });
  }
  throw new BuiltinError("failed to extract a Key from the PEM certificate");
}

/** @throws BuiltinError when the text is neither a JWK nor a set of them */
export function jwkSet(text: string, pay: Pay): readonly Key[] {
  const value = parseJson(text, "key");
  if (!(value instanceof RegoObject)) throw new BuiltinError("key is not an object");
  const keys = value.get("keys");
  if (keys === undefined) return [fromJwk(value)];
  if (!isRegoArray(keys)) throw new BuiltinError("keys is not a list");
  return keys.map((key, at) => {
    if (at > 0) pay(PER_FURTHER_KEY);
    return fromJwk(key);
  });
}

function fromJwk(value: RegoValue): Key {
  if (!(value instanceof RegoObject)) throw new BuiltinError("key is not an object");
  const text = (name: string): string => {
    const found = value.get(name) ?? "";
    if (typeof found !== "string") throw new BuiltinError(`key: ${name} is not a string`);
    return found;
  };
  return { material: materialOf(value, text), kid: text("kid"), alg: text("alg") };
}

function materialOf(value: RegoObject, text: (name: string) => string): Material {
  if (text("kty") === "oct") {
    const bytes = decodeBase64Url(text("k"));
    if (bytes === undefined || bytes.length === 0) throw new BuiltinError("key: k is not base64url");
    return { kind: "secret", bytes };
  }
  try {
    const jwk: JsonWebKey = JSON.parse(writeJson(value));
    if (!value.has("d")) return { kind: "public", key: createPublicKey({ key: jwk, format: "jwk" }) };
    return { kind: "private", key: createPrivateKey({ key: jwk, format: "jwk" }) };
  } catch (error) {
    throw new BuiltinError("no usable key", { cause: error });
  }
}
