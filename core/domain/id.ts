/** Identifiers. All are lower-case UUIDs; each kind has its own type, so a denial id never passes for a grant id. */
import { AppError } from "./app-error.ts";

declare const idBrand: unique symbol;

export type IdKind = "decision" | "denial" | "request" | "review" | "grant" | "event" | "quarantine" | "incident";
export type Id<Kind extends IdKind> = string & { readonly [idBrand]: Kind };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function isId<Kind extends IdKind>(_kind: Kind, text: string): text is Id<Kind> {
  return UUID.test(text);
}

/** @throws AppError invalid_argument when the text is not a UUID in lower case. */
export function id<Kind extends IdKind>(kind: Kind, text: string): Id<Kind> {
  if (!isId(kind, text)) throw new AppError("invalid_argument", `not a ${kind} id`);
  return text;
}

declare const digestBrand: unique symbol;

/** A SHA-256 in lower-case hexadecimal, 64 characters. Computed in core/messages; `domain` only lays out what is hashed. */
export type Digest = string & { readonly [digestBrand]: true };

export function isDigest(text: string): text is Digest {
  return /^[0-9a-f]{64}$/.test(text);
}

/** Of what a hash function has just said, in core/messages alone: whether it was this one its length says, and no one else made its characters. */
export function isHashOutput(hex: string): hex is Digest {
  return hex.length === 64;
}

/** @throws AppError invalid_argument */
export function digest(text: string): Digest {
  if (!isDigest(text)) throw new AppError("invalid_argument", "not a SHA-256 in hexadecimal");
  return text;
}
