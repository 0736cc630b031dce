/**
 * Which human is behind an account (rule 5). The approval service maps requester and reviewer alike with this one function, so one human
 * with accounts at two issuers of a realm is one person. Without a person one can neither obtain a human approval nor give one.
 *
 * NB: what cannot be mapped with certainty is no person: an unknown issuer, a claim that is missing, not text, surrounded by spaces, or an
 * e-mail address that its issuer says is unverified.
 */
import type { Json, Party, Person, Subject } from "../domain/subject.ts";
import { isIdText } from "./claims-to-subject.ts";
import type { Issuer, Issuers } from "./issuers.ts";
import { isObject, type JsonObject } from "./strict-json.ts";

/** Maps a subject whose token, or whose signed denial, has been verified before. Pure. */
export type MapParty = (subject: Subject) => Party;

export function createPartyMapper(issuers: Issuers): MapParty {
  return (subject) => {
    const issuer = issuers.get(subject.issuer);
    const actorClaims = claimsOfActors(subject.claims["act"]);
    const actorPersons = subject.actors.flatMap((actor, index) => {
      // An actor's claims are those inside its `act`; its `sub` is what the token was verified to say.
      const person = personOf({ ...actorClaims[index], sub: actor.id }, issuers.get(actor.issuer));
      return person === undefined ? [] : [person];
    });
    return {
      subject,
      person: personOf({ ...subject.claims, sub: subject.id }, issuer),
      actorPersons,
      // NB: an account of an issuer that is no longer configured is not known to be human.
      machine: issuer === undefined || subject.actors.length > 0 || saysMachine(subject.claims, issuer),
    };
  };
}

function personOf(claims: JsonObject, issuer: Issuer | undefined): Person | undefined {
  if (issuer?.person === undefined) return undefined;
  const { realm, claim, ignoreCase } = issuer.person;
  const id = Object.hasOwn(claims, claim) ? claims[claim] : undefined;
  if (!isIdText(id) || id.trim() !== id) return undefined;
  const verified = claims["email_verified"];
  if (claim === "email" && (verified === false || verified === "false")) return undefined;
  return { realm, id: ignoreCase ? id.normalize("NFKC").toLowerCase() : id };
}

/** The configured claim has the configured value, or holds it in a list. */
function saysMachine(claims: JsonObject, { machine }: Issuer): boolean {
  if (machine === undefined || !Object.hasOwn(claims, machine.claim)) return false;
  const value = claims[machine.claim];
  return value === machine.value || (Array.isArray(value) && value.includes(machine.value));
}

/** Members of each level of a nested `act`, outermost first, in the order of `Subject.actors`. */
function claimsOfActors(act: Json | undefined): readonly JsonObject[] {
  const levels: JsonObject[] = [];
  for (let level = act; isObject(level) && levels.length < 32; level = level["act"]) levels.push(level);
  return levels;
}
