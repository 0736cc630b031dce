/**
 * Hashes what core/domain/binding.ts lays out. The digest is made of field hashes, not fields, so that a denial can carry hashes of sensitive
 * fields and the approval service can still recompute the digest. Both sides use this file.
 */
import { BINDING_VERSION, type BoundField, boundFieldNames } from "../domain/binding.ts";
import type { Digest } from "../domain/id.ts";
import { hashParts } from "./hashing.ts";

/** SHA-256 over the name and every value, so that `a: b, c` is not `a: b` and no field can stand for another. */
export function fieldHash(field: BoundField): Digest {
  return hashParts([BINDING_VERSION, field.name, ...field.values]);
}

export function bindingDigest(fields: readonly BoundField[]): Digest {
  return combine(fields.map(fieldHash));
}

/** The digest from hashes by field name, or undefined when one that `bindHeaders` calls for is missing. */
export function digestFromHashes(
  hashes: { readonly [name: string]: Digest },
  bindHeaders: readonly string[],
): Digest | undefined {
  const ordered: Digest[] = [];
  for (const name of boundFieldNames(bindHeaders)) {
    const hash = Object.hasOwn(hashes, name) ? hashes[name] : undefined;
    if (hash === undefined) return undefined;
    ordered.push(hash);
  }
  return combine(ordered);
}

function combine(ordered: readonly Digest[]): Digest {
  return hashParts([BINDING_VERSION, ...ordered]);
}
