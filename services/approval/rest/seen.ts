/**
 * What a caller may see. One rule for single items and lists: whoever has a stake in a request (core/domain/stake.ts), and security. Everybody
 * else is told that it does not exist.
 */
import type { AccessRequest } from "../../../core/domain/access-request.ts";
import { isOwner, requesterOf } from "../../../core/domain/access-request.ts";
import type { Denial } from "../../../core/domain/denial.ts";
import type { Grant } from "../../../core/domain/grant.ts";
import { id } from "../../../core/domain/id.ts";
import { setKey } from "../../../core/domain/requirement.ts";
import { hasAStakeIn } from "../../../core/domain/stake.ts";
import type { Party } from "../../../core/domain/subject.ts";
import type { People, Reads } from "../ports.ts";
import type { GrantFilter, Visibility } from "./ports.ts";
import type { Caller } from "./caller.ts";

type SeenDeps = { readonly reads: Reads; readonly people: People };

export async function seenRequest(
  { reads }: SeenDeps,
  caller: Caller,
  text: string,
): Promise<AccessRequest | undefined> {
  const request = await reads.request(id("request", text));
  if (request === undefined) return undefined;
  return caller.isSecurity || hasAStakeIn(request, caller.party) ? request : undefined;
}

export async function seenGrant({ reads }: SeenDeps, caller: Caller, text: string): Promise<Grant | undefined> {
  const grant = await reads.grant(id("grant", text));
  const request = grant === undefined ? undefined : await reads.request(grant.requestId);
  if (request === undefined) return undefined;
  return caller.isSecurity || hasAStakeIn(request, caller.party) ? grant : undefined;
}

/** Only the denied person sees a denial: nobody has been asked yet. */
export async function seenDenial(
  { reads, people }: SeenDeps,
  caller: Caller,
  text: string,
): Promise<Denial | undefined> {
  const denial = await reads.denial(id("denial", text));
  if (denial === undefined || caller.isSecurity) return denial;
  const requester = requesterOf(await people.resolve(denial.subject));
  return isOwner(requester, caller.party) ? denial : undefined;
}

/** As `hasAStakeIn`, which also says who may revoke. */
export function staked(party: Party): Extract<GrantFilter["visibility"], { readonly kind: "stake" }> {
  return { ...own(party), kind: "stake", sets: setsOf(party) };
}

export function own({ subject, person }: Party): Extract<Visibility, { readonly kind: "requester" }> {
  return { kind: "requester", issuer: subject.issuer, subject: subject.id, person };
}

/** Undefined for an account that can be in no reviewer set. */
export function reviewable(party: Party): Visibility | undefined {
  const { person, machine, subject } = party;
  if (person === undefined || machine) return undefined;
  const { issuer, id: account } = subject;
  return { kind: "reviewer", sets: setsOf(party), issuer, subject: account, person };
}

/** Keys of the reviewer sets that this party is in: none without a person, nor of a machine. */
function setsOf({ person, machine, subject }: Party): readonly string[] {
  if (person === undefined || machine) return [];
  const groups = subject.groups.map((group) => setKey({ kind: "group", realm: person.realm, group }));
  return [setKey({ kind: "person", person }), ...groups];
}
