/**
 * Ties a denial to the question that was denied. The denial carries the hash of the bound parts and the names of the included context members, so
 * that the record alone tells whether a submission is about the same question; a binding token repeats that hash (`binding_hash` of the Access
 * Request profile, draft 1). What was stated is published only as hashes.
 */
import { AppError } from "../domain/app-error.ts";
import { boundMembers, boundParts } from "../domain/bound-question.ts";
import type { Digest } from "../domain/id.ts";
import type { Question } from "../domain/question.ts";
import { hashJson } from "./hashing.ts";

const WHOLE = "question";
const MEMBER = "question.context.";

type Hashes = { readonly [name: string]: Digest };

/** For the field hashes of a denial. Names are percent-encoded: some of what JSON allows in a name no column can hold. */
export function questionHashes(question: Question): Hashes {
  const members = boundMembers(question.context);
  const named = members.map((name) => [MEMBER + encodeURIComponent(name), hashJson(question.context[name] ?? null)]);
  return Object.fromEntries([[WHOLE, questionHash(question, members)], ...named]);
}

/** SHA-256 over the RFC 8785 form of `{subject, resource, action, context}`, of the context these members. */
export function questionHash(question: Question, members: readonly string[] = boundMembers(question.context)): Digest {
  return hashJson(boundParts(question, members));
}

/** Whether a question is the one that was denied, by what the denial recorded; never for a denial that no question led to. */
export function isAbout(hashes: Hashes, question: Question): boolean {
  const whole = hashes[WHOLE];
  try {
    return whole !== undefined && whole === questionHash(question, recordedMembers(hashes));
  } catch (error) {
    // Half a surrogate pair in it: without a canonical form nothing was ever hashed that it could be.
    if (error instanceof AppError && error.code === "invalid_record") return false;
    throw error;
  }
}

/** The bound context members of a denied question, in order. */
export function recordedMembers(hashes: Hashes): readonly string[] {
  return Object.keys(hashes)
    .filter((name) => name.startsWith(MEMBER))
    .map((name) => decodeURIComponent(name.slice(MEMBER.length)))
    .toSorted();
}

/** As it stands in a binding token: base64url without padding. */
export function bindingHash(hash: Digest): string {
  return Buffer.from(hash, "hex").toString("base64url");
}
