/**
 * A token as received, taken apart but not believed (RFC 7515 section 7.1, RFC 8725): needed before the signature can be checked, because
 * issuer and key id say with which key. What is not one well-formed JWS with small, strict parts is refused here, before any cryptography.
 *
 * NB: `jku`, `x5u`, `x5c` and `jwk` are never looked at: keys come from configuration alone. `crit` names extensions that change what the
 * rest means; we know none, so a token with it is refused (section 4.1.11).
 */
import { isObject, type JsonObject, parseStrictObject } from "./strict-json.ts";

export const MAX_TOKEN_BYTES = 16 * 1024;
const MAX_KID_BYTES = 128;

export type CompactJwt = {
  readonly algorithm: string;
  readonly kid: string | undefined;
  readonly type: string | undefined;
  readonly claims: JsonObject;
  /** What the signature is over (RFC 7515 section 5.1), and the signature. */
  readonly signed: Buffer;
  readonly signature: Buffer;
};

/** The parts of a compact JWS with JSON claims, or undefined when it is malformed. Nothing in it is verified. */
export function parseCompactJwt(token: string): CompactJwt | undefined {
  if (token.length > MAX_TOKEN_BYTES) return undefined;
  const parts = token.split(".");
  const [header, payload, last] = parts;
  if (parts.length !== 3 || header === undefined || payload === undefined || last === undefined) return undefined;
  const headerFields = decodeObject(header);
  const claims = decodeObject(payload);
  const signature = decode(last);
  if (headerFields === undefined || claims === undefined || signature === undefined) return undefined;

  const { alg, kid, typ, crit, b64, zip, enc } = headerFields;
  if (typeof alg !== "string" || crit !== undefined || b64 !== undefined) return undefined;
  if (zip !== undefined || enc !== undefined) return undefined;
  if (kid !== undefined && (typeof kid !== "string" || Buffer.byteLength(kid) > MAX_KID_BYTES)) return undefined;
  const signed = Buffer.from(token.slice(0, token.length - last.length - 1), "latin1");
  return { algorithm: alg, kid, type: typeof typ === "string" ? typ : undefined, claims, signed, signature };
}

function decodeObject(part: string): JsonObject | undefined {
  const bytes = decode(part);
  const value = bytes === undefined ? undefined : parseStrictObject(bytes);
  return isObject(value) ? value : undefined;
}

/** Base64url without padding, and only in the one spelling that encoding gives: otherwise one token has several texts. */
function decode(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, "base64url");
  return bytes.length > 0 && bytes.toString("base64url") === part ? bytes : undefined;
}
