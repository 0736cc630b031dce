/** A party as requester: the account that was denied, the person behind it, and everybody who acts in its name. */
import type { Requester } from "../../../core/domain/access-request.ts";
import type { Party } from "../../../core/domain/subject.ts";

export function requesterOf(party: Party): Requester {
  const { issuer, id, actors } = party.subject;
  return { person: party.person, actorPersons: party.actorPersons, issuer, subject: id, actors };
}
