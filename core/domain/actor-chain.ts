/**
 * Who acts for an account: the chain that its token shows, the current actor first. An account and a chain are one caller: an approval for dana
 * alone does not cover an agent that acts for her, and an approval for that agent covers neither another agent nor her.
 */
import type { Actor } from "./subject.ts";

export function sameAccount(a: Actor, b: Actor): boolean {
  return a.issuer === b.issuer && a.id === b.id;
}

/** The same accounts in the same order. */
function sameChain(a: readonly Actor[], b: readonly Actor[]): boolean {
  return a.length === b.length && a.every((actor, at) => sameAccount(actor, b[at] ?? { issuer: "", id: "" }));
}

/** An account and who acts for it. */
export type Acting = { readonly issuer: string; readonly subject: string; readonly actors: readonly Actor[] };

/** Whether both are one caller, as grants and submissions count callers. */
export function sameCaller(a: Acting, b: Acting): boolean {
  return a.issuer === b.issuer && a.subject === b.subject && sameChain(a.actors, b.actors);
}

/** One text per caller. NB: length-prefixed, so that no text can be split elsewhere and match somebody else's grants. */
export function callerKey({ issuer, subject, actors }: Acting): string {
  const key = `${issuer.length}:${issuer}${subject.length}:${subject}`;
  return chainParts(actors).reduce((all, text) => `${all}${text.length}:${text}`, key);
}

/** Parts of a hash that are unique to the chain; none without actors, so that keys from before chains counted stay the same. */
export function chainParts(chain: readonly Actor[]): readonly string[] {
  return chain.flatMap(({ issuer, id }) => [issuer, id]);
}
