/**
 * Whether a text was shown lately, of which nothing is kept but a fingerprint in a table that never grows: the next text of the same place takes it.
 * So a text may be forgotten early, the sooner the more others come; one in four billion is taken for seen that was not. NB: fingerprint and place are
 * made by a secret of this process, or whoever can choose texts could have another's forgotten by a single one.
 */
import { hash, randomBytes } from "node:crypto";

/** 16 KiB. After a thousand others three of four texts are still known. */
const PLACES = 4_096;

/** Answers for each text whether it was seen before, and has seen it from then on. */
type SeenBefore = (text: string) => boolean;

export function createSeenBefore(secret: string = randomBytes(16).toString("hex")): SeenBefore {
  const fingerprints = new Uint32Array(PLACES);
  return (text) => {
    const digest = hash("sha256", secret + text, "buffer");
    const fingerprint = digest.readUInt32LE(0);
    const place = digest.readUInt32LE(4) % PLACES;
    if (fingerprints[place] === fingerprint) return true;
    fingerprints[place] = fingerprint;
    return false;
  };
}
