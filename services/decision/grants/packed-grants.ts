/**
 * Grants by caller, packed: a decision service holds all of them, of which a call looks at those of one caller. What is found is compared with the
 * caller again.
 */
import { type Acting, callerKey, sameCaller } from "../../../core/domain/actor-chain.ts";
import type { MaxUses } from "../../../core/domain/elevation.ts";
import type { Grant, GrantState } from "../../../core/domain/grant.ts";
import { digest, id } from "../../../core/domain/id.ts";
import { instant } from "../../../core/domain/time.ts";
import { createPackedMultimap, type Place } from "../../../platform/packed/packed-multimap.ts";
import type { PackedRecord } from "../../../platform/packed/packed-record.ts";

type PackedGrants = {
  add(grant: Grant): Place;
  remove(place: Place): void;
  of(caller: Acting): readonly Grant[];
};

const STATES: readonly GrantState[] = ["scheduled", "active", "consumed", "expired", "revoked"];
const UNLIMITED = -1;
const UNBOUND = -1;

export function createPackedGrants(): PackedGrants {
  const grants = createPackedMultimap();
  return {
    add: (grant) => grants.add(callerKey(grant), pack(grant)),
    remove: grants.remove,
    of: (caller) =>
      grants
        .get(callerKey(caller))
        .map(unpack)
        .filter((grant) => sameCaller(grant, caller)),
  };
}

/** What it says, in the order in which `unpack` takes it. */
function pack(grant: Grant): PackedRecord {
  const { person, actors, binding, state, maxUses } = grant;
  return {
    numbers: [
      ...[actors.length, person === undefined ? 0 : 1, binding.kind === "exact" ? binding.bindHeaders.length : UNBOUND],
      ...[grant.version, STATES.indexOf(state), grant.uses, maxUses === "unlimited" ? UNLIMITED : maxUses],
      ...[grant.notBefore, grant.expiresAt],
    ],
    texts: [
      ...[grant.id, grant.requestId, grant.denialId, grant.issuer, grant.subject, grant.entitlement, grant.scope],
      ...(person === undefined ? [] : [person.realm, person.id]),
      ...actors.flatMap((actor) => [actor.issuer, actor.id]),
      ...(binding.kind === "exact" ? [binding.digest, ...binding.bindHeaders] : []),
    ],
  };
}

function unpack({ numbers, texts }: PackedRecord): Grant {
  const number = inOrder(numbers);
  const text = inOrder(texts);
  const person = () => ({ realm: text(), id: text() });
  const actor = () => ({ issuer: text(), id: text() });
  const chainLength = number();
  const hasPerson = number() === 1;
  const boundHeaders = number();
  return {
    id: id("grant", text()),
    requestId: id("request", text()),
    denialId: id("denial", text()),
    issuer: text(),
    subject: text(),
    entitlement: text(),
    scope: text(),
    person: hasPerson ? person() : undefined,
    actors: Array.from({ length: chainLength }, actor),
    binding:
      boundHeaders === UNBOUND
        ? { kind: "scope" }
        : { kind: "exact", digest: digest(text()), bindHeaders: Array.from({ length: boundHeaders }, text) },
    version: number(),
    state: stateOf(number()),
    uses: number(),
    maxUses: limitOf(number()),
    notBefore: instant(number()),
    expiresAt: instant(number()),
  };
}

function stateOf(index: number): GrantState {
  const state = STATES[index];
  if (state === undefined) throw new RangeError("a packed grant is in no state");
  return state;
}

function limitOf(number: number): MaxUses {
  return number === UNLIMITED ? "unlimited" : number;
}

/** Each of them once. */
function inOrder<T>(all: readonly T[]): () => T {
  let next = 0;
  return () => {
    const one = all[next];
    if (one === undefined) throw new RangeError("a packed grant is cut off");
    next += 1;
    return one;
  };
}
