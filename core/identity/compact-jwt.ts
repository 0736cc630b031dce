/**
 * Parses a token without trusting it (RFC 7515 section 7.1, RFC 8725): needed before the signature can be verified, because issuer and key id
 * select the key. What is not one well-formed JWS with small, strict parts is refused here, before any cryptography.
 *
 * NB: `jku`, `x5u`, `x5c` and `jwk` are ignored: keys come from configuration only. `crit` names extensions that change what the rest means; we
 * know none, so a token with it is refused (section 4.1.11).
 */
import { createBoundedLru } from "./bounded-lru.ts";
import { isObject, type JsonObject, parseStrictObject } from "./strict-json.ts";

export const MAX_TOKEN_BYTES = 16 * 1024;
const MAX_KID_BYTES = 128;
/** More than there are keys in use; a stranger who makes many costs others no more than reading theirs again. */
const MAX_HEADERS = 64;

type Header = {
  readonly algorithm: string;
  readonly kid: string | undefined;
  readonly type: string | undefined;
};

export type CompactJwt = Header & {
  readonly claims: JsonObject;
  /** What the signature is over (RFC 7515 section 5.1), and the signature. */
  readonly signed: Buffer;
  readonly signature: Buffer;
};

/** What the text of a header says; undefined when it is malformed. */
type ReadHeader = (text: string) => Header | undefined;

/** The parts of a compact JWS with JSON claims, or undefined when it is malformed. Nothing in it is verified. */
export function parseCompactJwt(token: string, headerOf: ReadHeader = readHeader): CompactJwt | undefined {
  if (token.length > MAX_TOKEN_BYTES) return undefined;
  const parts = token.split(".");
  const [first, payload, last] = parts;
  if (parts.length !== 3 || first === undefined || payload === undefined || last === undefined) return undefined;
  const header = headerOf(first);
  const claims = decodeObject(payload);
  const signature = decode(last);
  if (header === undefined || claims === undefined || signature === undefined) return undefined;
  const signed = Buffer.from(token.slice(0, token.length - last.length - 1), "latin1");
  return { ...header, claims, signed, signature };
}

/** One that remembers: all tokens of a key have the same header. */
export function createReadHeader(): ReadHeader {
  const known = createBoundedLru<Header>({ maxEntries: MAX_HEADERS, maxBytes: MAX_HEADERS * MAX_TOKEN_BYTES });
  return (text) => {
    const remembered = known.get(text);
    if (remembered !== undefined) return remembered;
    const header = readHeader(text);
    // The text may keep the whole token that it is a part of.
    if (header !== undefined) known.set(text, header, MAX_TOKEN_BYTES);
    return header;
  };
}

function readHeader(text: string): Header | undefined {
  const fields = decodeObject(text);
  if (fields === undefined) return undefined;
  const { alg, kid, typ, crit, b64, zip, enc } = fields;
  if (typeof alg !== "string" || crit !== undefined || b64 !== undefined) return undefined;
  if (zip !== undefined || enc !== undefined) return undefined;
  if (kid !== undefined && (typeof kid !== "string" || Buffer.byteLength(kid) > MAX_KID_BYTES)) return undefined;
  return { algorithm: alg, kid, type: typeof typ === "string" ? typ : undefined };
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
