/**
 * Who has a stake in a request: the requester, the person behind an agent that requested it, and whoever may review it. They see it, and may
 * revoke its grant; for everybody else it does not exist. Security sees everything, which the edge vouches for.
 */
import { type AccessRequest, isOwner } from "./access-request.ts";
import { mayFillASlot } from "./requirement.ts";
import { type Party, samePerson } from "./subject.ts";

export function hasAStakeIn(request: Pick<AccessRequest, "requester" | "requirement">, party: Party): boolean {
  const { requester, requirement } = request;
  const { person, machine } = party;
  if (isOwner(requester, party)) return true;
  if (person === undefined) return false;
  if (requester.actorPersons.some((one) => samePerson(one, person))) return true;
  // NB: a machine fills no slot, so others' requests are none of its business.
  return !machine && requirement !== undefined && mayFillASlot(requirement, { person, groups: party.subject.groups });
}
