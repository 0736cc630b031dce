/**
 * `io.jwt.encode_sign` and `io.jwt.encode_sign_raw`: a compact JWS with the first key of a JWK (set). The header's `alg`
 * decides; a payload that is not JSON is refused unless the header has another `typ` than `JWT`.
 */
import { type Builtin, type BuiltinCall, BuiltinError, stringArg } from "../../builtin.ts";
import { bytesOfText } from "../../rego-value/bytes.ts";
import { RegoObject } from "../../rego-value/value.ts";
import { writeGoJson } from "../../rego-value/write.ts";
import { ALGORITHMS, jwkSet } from "./keys.ts";
import { signatureOf } from "./signature.ts";
import { parseJson } from "./token.ts";

/** In fuel, of a signature by a private key; by a secret it is in the price (prices.ts). */
const PER_SIGNATURE = { rsa: 2_800_000, other: 380_000 } as const;

function encodeSign({ pay }: BuiltinCall, header: string, payload: string, jwk: string): string {
  const [key] = jwkSet(jwk, pay);
  if (key === undefined) throw new BuiltinError("no keys found in JWK set");
  const parsed = parseJson(header, "JWT header");
  const alg = parsed instanceof RegoObject ? parsed.get("alg") : undefined;
  if (typeof alg !== "string" || !ALGORITHMS.has(alg)) throw new BuiltinError("unknown JWS algorithm");
  const typ = parsed instanceof RegoObject ? parsed.get("typ") : undefined;
  if (typeof typ !== "string" || typ === "JWT") parseJson(payload, "payload of type JWT");
  if (key.material.kind !== "secret")
    pay(PER_SIGNATURE[key.material.key.asymmetricKeyType === "rsa" ? "rsa" : "other"]);
  const signed = `${base64Url(bytesOfText(header))}.${base64Url(bytesOfText(payload))}`;
  return `${signed}.${base64Url(signatureOf(alg, key.material, bytesOfText(signed)))}`;
}

function base64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}

export const encodeSignValues: Builtin = ([header = null, payload = null, jwk = null], call) =>
  encodeSign(call, writeGoJson(header), writeGoJson(payload), writeGoJson(jwk));

export const encodeSignRaw: Builtin = (args, call) =>
  encodeSign(call, stringArg(args, 0), stringArg(args, 1), stringArg(args, 2));
