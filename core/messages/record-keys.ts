/** Record keys that are hashes, and what a state record adds to the set hash. Layouts: core/domain/denial.ts. */
import { createHash } from "node:crypto";
import { chainParts } from "../domain/actor-chain.ts";
import { type DenialKeyParts, inCanonicalOrder, type Offer, type RequestKeyParts } from "../domain/denial.ts";
import type { Digest } from "../domain/id.ts";
import type { Json } from "../domain/subject.ts";
import { elevationToWire } from "./elevation-record.ts";
import { hashJson, hashParts, lengthPrefixed, sha256 } from "./hashing.ts";

/** The same key within `DENIAL_REUSE` gives the same denial id. */
export function denialKey(parts: DenialKeyParts): Digest {
  const reason = parts.justification === undefined ? "" : sha256(Buffer.from(parts.justification, "utf8"));
  const offers: Json = inCanonicalOrder(parts.offers).map((offer) => [
    elevationToWire(offer.elevation),
    digestOf(offer),
  ]);
  return hashParts([
    "countersign/denial-key/v1",
    parts.issuer,
    parts.subject,
    parts.policyRevision,
    hashJson(offers),
    reason,
  ]);
}

/** Two submits with the same key are one open request. */
export function requestKey(parts: RequestKeyParts): Digest {
  const { issuer, subject, entitlement, scope, actors, digest = "" } = parts;
  return hashParts(["countersign/request-key/v1", issuer, subject, entitlement, scope, digest, ...chainParts(actors)]);
}

function digestOf(offer: Offer): string {
  return offer.binding.kind === "digest" ? offer.binding.digest : "";
}

/** SHA-256 over (key, version) as an integer: what core/domain/state-view sums up. */
export function stateRecordHash(key: string, version: number): bigint {
  const bytes = lengthPrefixed(["countersign/state-set/v1", key, String(version)]);
  return BigInt(`0x${createHash("sha256").update(bytes).digest("hex")}`);
}

/** A set hash as 64 hexadecimal characters. */
export function setHashText(setHash: bigint): string {
  return setHash.toString(16).padStart(64, "0");
}
