/** Private keys from PEM, shown as Go's key structs or as a JWK. Types that OPA does not look for are passed over. */
import { createPrivateKey, type JsonWebKey, type KeyObject } from "node:crypto";
import { BuiltinError } from "../../builtin.ts";
import { textOfBytes } from "../../rego-value/bytes.ts";
import { regoOf } from "../../rego-value/plain.ts";
import { RegoObject, type RegoValue, regoInteger } from "../../rego-value/value.ts";
import { decodeBase64 } from "../go-base64.ts";
import { nextPemBlock } from "../pem.ts";
import { context, DerReader, TAG, unsignedOf } from "./der.ts";
import { object } from "./go-json.ts";

const FORMATS: ReadonlyMap<string, "pkcs1" | "pkcs8" | "sec1"> = new Map([
  ["RSA PRIVATE KEY", "pkcs1"],
  ["PRIVATE KEY", "pkcs8"],
  ["EC PRIVATE KEY", "sec1"],
]);

/** @throws BuiltinError when a block of a known type does not hold such a key */
export function privateKeysOf(text: string): readonly KeyObject[] {
  const decoded = decodeBase64(text);
  const keys: KeyObject[] = [];
  let rest = decoded === undefined ? text : textOfBytes(decoded);
  for (let block = nextPemBlock(rest); block !== undefined; block = nextPemBlock(rest)) {
    rest = block.rest;
    const type = FORMATS.get(block.type);
    if (type !== undefined) keys.push(readKey(block.bytes, type));
  }
  return keys;
}

export function readKey(der: Uint8Array, type: "pkcs1" | "pkcs8" | "sec1"): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: Buffer.from(der), format: "der", type });
  } catch (error) {
    throw new BuiltinError("failed to parse a private key", { cause: error });
  }
  if (!["rsa", "ec", "ed25519"].includes(key.asymmetricKeyType ?? "")) throw new BuiltinError("unsupported key type");
  return key;
}

export function goKeyJson(key: KeyObject): RegoValue {
  if (key.asymmetricKeyType === "ed25519") {
    const { d = "", x = "" } = jwkOf(key);
    return Buffer.concat([Buffer.from(d, "base64url"), Buffer.from(x, "base64url")]).toString("base64");
  }
  if (key.asymmetricKeyType === "ec") return ecJson(key);
  const { n, e, d, p, q, dp, dq, qi } = jwkOf(key);
  const precomputed = object({ Dp: numberOf(dp), Dq: numberOf(dq), Qinv: numberOf(qi), CRTValues: [] });
  return object({
    N: numberOf(n),
    E: numberOf(e),
    D: numberOf(d),
    Primes: [numberOf(p), numberOf(q)],
    Precomputed: precomputed,
  });
}

/** From SEC 1, since Node has no JWK for P-224. */
function ecJson(key: KeyObject): RegoValue {
  const reader = new DerReader(key.export({ format: "der", type: "sec1" })).sequence();
  reader.integer();
  const secret = reader.element(TAG.octetString).body;
  reader.optional(context(0, true));
  const point = new DerReader(reader.element(context(1, true)).body).bitString();
  const size = (point.length - 1) / 2;
  return object({
    Curve: object({}),
    X: regoInteger(unsignedOf(point.subarray(1, 1 + size))),
    Y: regoInteger(unsignedOf(point.subarray(1 + size))),
    D: regoInteger(unsignedOf(secret)),
  });
}

export function jwkJson(key: KeyObject): RegoValue {
  const entries = Object.entries(jwkOf(key)).flatMap(([name, value]) =>
    typeof value === "string" ? [[name, regoOf(value)] as const] : [],
  );
  return new RegoObject(entries);
}

function jwkOf(key: KeyObject): JsonWebKey {
  try {
    return key.export({ format: "jwk" });
  } catch (error) {
    throw new BuiltinError("the key has no JWK", { cause: error });
  }
}

function numberOf(base64Url: string | undefined): RegoValue {
  return regoInteger(unsignedOf(Buffer.from(base64Url ?? "", "base64url")));
}
