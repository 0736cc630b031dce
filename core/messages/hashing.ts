/**
 * Hashes and canonical forms. Two rules keep them unambiguous: parts of a byte layout are length-prefixed (4 bytes, big
 * endian), so no two lists of parts run together; JSON is hashed in its RFC 8785 form. The audit leaf hash is RFC 6962's.
 */
import { hash } from "node:crypto";
import canonicalize from "canonicalize";
import { AppError } from "../domain/app-error.ts";
import { type Digest, isHashOutput } from "../domain/id.ts";
import type { Json } from "../domain/subject.ts";

/** Each part as 4 bytes of length and its bytes; text is UTF-8. */
export function lengthPrefixed(parts: readonly (string | Uint8Array)[]): Buffer {
  const chunks: Uint8Array[] = [];
  for (const part of parts) {
    const bytes = typeof part === "string" ? Buffer.from(part, "utf8") : part;
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    chunks.push(length, bytes);
  }
  return Buffer.concat(chunks);
}

export function sha256(bytes: string | Uint8Array): Digest {
  const hex = hash("sha256", bytes, "hex");
  // To look at each character would cost a third of what hashing a line of the decision log costs.
  if (!isHashOutput(hex)) throw new AppError("internal", "a hash that is no SHA-256");
  return hex;
}

/** SHA-256 over length-prefixed parts. */
export function hashParts(parts: readonly (string | Uint8Array)[]): Digest {
  return sha256(lengthPrefixed(parts));
}

const WITHOUT_CANONICAL_FORM = "a value without canonical JSON";

/** RFC 8785. @throws AppError invalid_record for what has no canonical form (NaN, a lone surrogate). */
export function canonicalJson(value: Json): string {
  let text: string | undefined;
  try {
    text = canonicalize(value);
  } catch (cause) {
    throw new AppError("invalid_record", WITHOUT_CANONICAL_FORM, { cause });
  }
  if (text === undefined) throw new AppError("invalid_record", WITHOUT_CANONICAL_FORM);
  return text;
}

/** SHA-256 over the RFC 8785 form. */
export function hashJson(value: Json): Digest {
  return sha256(Buffer.from(canonicalJson(value), "utf8"));
}

/** RFC 6962 section 2.1: SHA-256(0x00 ‖ entry), the entry being the RFC 8785 form of the event. */
export function leafHash(value: Json): Digest {
  return sha256(`\0${canonicalJson(value)}`);
}

/** The same, of an entry whose canonical form stands in `bytes` already. NB: the byte before it becomes the zero that is hashed with it. */
export function leafHashInPlace(bytes: Uint8Array, from: number, to: number): Digest {
  bytes[from - 1] = 0;
  return sha256(bytes.subarray(from - 1, to));
}
