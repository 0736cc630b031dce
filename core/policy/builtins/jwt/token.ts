/** The three sections of a compact JWS and what is read from them. Every fault of form is a `BuiltinError`. */
import { AppError } from "../../../domain/app-error.ts";
import { BuiltinError } from "../../builtin.ts";
import { bytesOfText, textOfBytes } from "../../rego-value/bytes.ts";
import { parseValue, TooDeep } from "../../rego-value/parse.ts";
import { isRegoArray, RegoObject, type RegoValue } from "../../rego-value/value.ts";
import { decodeBase64Url } from "../go-base64.ts";

export type Token = {
  readonly header: RegoObject;
  readonly payload: string;
  readonly signature: string;
  /** What the signature covers. */
  readonly signed: Uint8Array;
};

export function parseToken(text: string): Token {
  const parts = text.split(".");
  const [head = "", payload = "", signature = ""] = parts;
  if (parts.length !== 3) throw new BuiltinError(`encoded JWT must have 3 sections, found ${parts.length}`);
  const header = jsonObject(sectionText(head, "header"), "header");
  if (header.has("enc")) throw new BuiltinError("JWT is a JWE object, which is not supported");
  return { header, payload, signature, signed: bytesOfText(`${head}.${payload}`) };
}

export function section(text: string, what: string): Uint8Array {
  const bytes = decodeBase64Url(text);
  if (bytes === undefined) throw new BuiltinError(`JWT ${what} had invalid encoding`);
  return bytes;
}

export function sectionText(text: string, what: string): string {
  return textOfBytes(section(text, what));
}

/** The last of two equal keys counts, as with Go's decoder. */
export function jsonObject(text: string, what: string): RegoObject {
  const value = parseJson(text, `JWT ${what}`);
  if (!(value instanceof RegoObject)) throw new BuiltinError(`JWT ${what} is not an object`);
  return value;
}

export function parseJson(text: string, what: string): RegoValue {
  try {
    return parseValue(text, "json");
  } catch (error) {
    if (error instanceof AppError && !(error instanceof TooDeep)) throw new BuiltinError(`${what} is not JSON`);
    throw error;
  }
}

export type Header = {
  readonly alg: string;
  readonly kid: string;
  readonly cty: string;
  /** False without `alg`, or with a critical parameter that is not understood (RFC 7515 section 4.1.11). */
  readonly isValid: boolean;
};

const KNOWN = new Set(["alg", "kid", "typ", "cty", "crit"]);

/** @throws BuiltinError when a known parameter has the wrong type */
export function readHeader(header: RegoObject): Header {
  const text = (name: string): string => {
    const value = header.get(name) ?? "";
    if (typeof value !== "string") throw new BuiltinError(`${name}: must be a string`);
    return value;
  };
  text("typ");
  const crit = header.get("crit");
  if (crit !== undefined && (!isRegoArray(crit) || typeof crit[0] !== "string")) {
    throw new BuiltinError("crit: must be a nonempty list of strings");
  }
  const critical = isRegoArray(crit) ? crit : [];
  const misunderstood = critical.some((name) => typeof name === "string" && !KNOWN.has(name) && header.has(name));
  const alg = text("alg");
  return { alg, kid: text("kid"), cty: text("cty"), isValid: alg !== "" && !misunderstood };
}
