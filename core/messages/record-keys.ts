/** Record keys that are hashes, and the hashes of the state topic's set. Layouts: core/domain/denial.ts. */
import { createHash } from "node:crypto";
import { chainParts } from "../domain/actor-chain.ts";
import { type DenialKeyParts, inCanonicalOrder, type Offer, type RequestKeyParts } from "../domain/denial.ts";
import type { Digest } from "../domain/id.ts";
import { SET_SUM_BITS } from "../domain/state-view.ts";
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

/** The lowest bits of a record's hash are SHA-256, all that there was once, so that the same sum tells earlier readers what they compare. */
const EARLIER_BITS = 256;
const WIDE_BYTES = (SET_SUM_BITS - EARLIER_BITS) / 8;

/** What core/domain/state-view sums up: SHAKE256 and SHA-256 over (key, version), as one integer of `SET_SUM_BITS` bits. */
export function stateRecordHash(key: string, version: number): bigint {
  const bytes = lengthPrefixed(["countersign/state-set/v1", key, String(version)]);
  const wide = createHash("shake256", { outputLength: WIDE_BYTES }).update(bytes).digest("hex");
  return BigInt(`0x${wide}${sha256(bytes)}`);
}

/** The set hash that a heartbeat carries: SHA-256 over the sum of its records. */
export function setHashOf(sum: bigint): bigint {
  return BigInt(`0x${sha256(`countersign/state-set/v2 ${sum.toString(16)}`)}`);
}

/** What heartbeats carried before: the sum itself, of 256 bits. */
export function earlierSetHashOf(sum: bigint): bigint {
  return BigInt.asUintN(EARLIER_BITS, sum);
}

/** A set hash as 64 hexadecimal characters. */
export function setHashText(setHash: bigint): string {
  return setHash.toString(16).padStart(64, "0");
}
