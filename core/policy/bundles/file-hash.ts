/**
 * The hash of one file as OPA computes it for `.signatures.json` (OPA v1.20.2, v1/bundle/hash.go): for most files over their bytes; for
 * `.manifest` and `data.json` over the parsed document, keys in byte order, numbers as written, strings as Go's encoder writes them without HTML
 * escapes, nothing between the parts. White space and order of keys therefore do not matter.
 *
 * NB: of two equal keys in such a file the last is hashed, and another reader may take the first. What is used of a structured file must be what
 * was hashed: `parseStructured` is the only reader of them.
 */
import { isUtf8 } from "node:buffer";
import { createHash, type Hash } from "node:crypto";
import { AppError } from "../../domain/app-error.ts";
import { parseValue } from "../rego-value/parse.ts";
import { isRegoArray, RegoNumber, RegoObject, RegoSet, type RegoValue } from "../rego-value/value.ts";
import { sortedEntries } from "../rego-value/order.ts";
import { baseName } from "./bundle-files.ts";

/** OPA's name → node's. MD5 and SHA-1, which OPA still takes, are not here: two files with one hash can be made. */
const ALGORITHMS: ReadonlyMap<string, string> = new Map([
  ["SHA-224", "sha224"],
  ["SHA-256", "sha256"],
  ["SHA-384", "sha384"],
  ["SHA-512", "sha512"],
  ["SHA-512-224", "sha512-224"],
  ["SHA-512-256", "sha512-256"],
]);

const STRUCTURED = [".manifest", "data.json", "data.yaml", ".signatures.json"];

/** @throws AppError invalid_bundle for what is not JSON in UTF-8 */
export function parseStructured(name: string, bytes: Uint8Array): RegoValue {
  // NB: OPA puts U+FFFD in the place of each such byte, by which two names can become one.
  if (!isUtf8(bytes)) throw new AppError("invalid_bundle", `${name} is not UTF-8; write it anew, as opa build does`);
  try {
    return parseValue(Buffer.from(bytes).toString("utf8"), "json");
  } catch (error) {
    throw new AppError("invalid_bundle", `${name} is not JSON`, { cause: error });
  }
}

/** Hexadecimal; undefined for an algorithm that is not accepted here. @throws AppError invalid_bundle */
export function hashFile(name: string, bytes: Uint8Array, algorithm: string): string | undefined {
  const known = ALGORITHMS.get(algorithm);
  if (known === undefined) return undefined;
  const hash = createHash(known);
  if (isStructured(name)) walk(parseStructured(name, bytes), hash);
  else hash.update(bytes);
  return hash.digest("hex");
}

/** Whether its hash is over what it means, for which it has to be parsed. */
export function isStructured(name: string): boolean {
  return STRUCTURED.includes(baseName(name));
}

function walk(value: RegoValue, hash: Hash): void {
  if (isRegoArray(value)) {
    hash.update("[");
    value.forEach((item, at) => {
      if (at > 0) hash.update(",");
      walk(item, hash);
    });
    hash.update("]");
  } else if (value instanceof RegoObject) {
    hash.update("{");
    sortedEntries(value).forEach(([key, item], at) => {
      if (at > 0) hash.update(",");
      walk(key, hash);
      hash.update(":");
      walk(item, hash);
    });
    hash.update("}");
  } else hash.update(primitive(value));
}

function primitive(value: Exclude<RegoValue, readonly RegoValue[] | RegoObject>): string {
  if (value instanceof RegoNumber) return value.text;
  if (value instanceof RegoSet) throw new AppError("invalid_bundle", "JSON holds no sets");
  if (typeof value !== "string") return String(value);
  return JSON.stringify(value).replace(/[\u2028\u2029]/g, (char) => (char === "\u2028" ? "\\u2028" : "\\u2029"));
}
