/**
 * Which human is behind an account (rule 5). The approval service maps requesters and reviewers with this one function, so a human with accounts
 * at two issuers of a realm is one person. An account without a person can neither obtain a human approval nor give one.
 *
 * NB: whatever cannot be mapped with certainty has no person: an unknown issuer; a claim that is missing, not text, or surrounded by spaces; an
 * e-mail address that its issuer marks as unverified.
 */
import type { Json, Party, Person, Subject } from "../domain/subject.ts";
import { isIdText } from "./claims-to-subject.ts";
import type { Issuer, Issuers, PersonClaim } from "./issuers.ts";
import { personId } from "./person-id.ts";
import { NO_PRINCIPALS, type Principals } from "./principals.ts";
import { isObject, type JsonObject } from "./strict-json.ts";

/** Maps a subject whose token, or whose signed denial, has been verified before. Pure. */
type MapParty = (subject: Subject) => Party;

export function createPartyMapper(issuers: Issuers, principals: Principals = NO_PRINCIPALS): MapParty {
  /** The account of a certificate identity, whose claims follow from its id and the rules here alone. */
  const certified = (issuer: string, id: string) => {
    const account = issuers.has(issuer) ? undefined : principals.find(id);
    return account?.subject.issuer === issuer ? account : undefined;
  };
  const personBehind = (issuer: string, id: string, claims: JsonObject): Person | undefined => {
    const account = certified(issuer, id);
    return account === undefined
      ? personOf({ ...claims, sub: id }, issuers.get(issuer)?.person)
      : personOf({ ...account.subject.claims, sub: id }, account.person);
  };
  return (subject) => {
    const issuer = issuers.get(subject.issuer);
    const account = certified(subject.issuer, subject.id);
    const actorClaims = claimsOfActors(subject.claims["act"]);
    const actorPersons = subject.actors.flatMap((actor, index) => {
      // An actor's claims are those inside its `act`; its `sub` is what the token was verified to say.
      const person = personBehind(actor.issuer, actor.id, actorClaims[index] ?? {});
      return person === undefined ? [] : [person];
    });
    return {
      subject,
      person: personBehind(subject.issuer, subject.id, subject.claims),
      actorPersons,
      // NB: an account of an issuer that is no longer configured is not known to be human.
      machine: subject.actors.length > 0 || (account?.machine ?? saysMachine(subject.claims, issuer)),
    };
  };
}

function personOf(claims: JsonObject, mapping: PersonClaim | undefined): Person | undefined {
  if (mapping === undefined) return undefined;
  const { realm, claim, ignoreCase } = mapping;
  const id = Object.hasOwn(claims, claim) ? claims[claim] : undefined;
  if (!isIdText(id) || id.trim() !== id) return undefined;
  const verified = claims["email_verified"];
  if (claim === "email" && (verified === false || verified === "false")) return undefined;
  return { realm, id: personId(id, ignoreCase) };
}

/** The configured claim has the configured value, or holds it in a list. */
function saysMachine(claims: JsonObject, issuer: Issuer | undefined): boolean {
  if (issuer === undefined) return true;
  const { machine } = issuer;
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
