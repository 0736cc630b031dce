/**
 * Grants by caller, packed: a decision service holds all of them, of which a call looks at those of one caller. Those of the callers who asked last are
 * at hand as objects, kept up to date, so that neither a busy caller nor one of very many grants is unpacked at each call. What is found is compared
 * with the caller again.
 */
import { type Acting, callerKey, sameCaller } from "../../../core/domain/actor-chain.ts";
import type { MaxUses } from "../../../core/domain/elevation.ts";
import type { Grant, GrantState } from "../../../core/domain/grant.ts";
import { digest, id } from "../../../core/domain/id.ts";
import { instant } from "../../../core/domain/time.ts";
import { createBoundedLru } from "../../../core/identity/bounded-lru.ts";
import { createPackedMultimap, type Place } from "../../../platform/packed/packed-multimap.ts";
import type { PackedRecord } from "../../../platform/packed/packed-record.ts";

type PackedGrants = {
  add(grant: Grant): Place;
  remove(place: Place): void;
  at(place: Place): Grant;
  of(caller: Acting): readonly Grant[];
};

const STATES: readonly GrantState[] = ["scheduled", "active", "consumed", "expired", "revoked"];
const UNLIMITED = -1;
const UNBOUND = -1;

/** Of so many callers and grants as objects at most: some 25 MB, which a collection of garbage hardly notices. */
const AT_HAND = { callers: 2_000, grants: 50_000 };

export function createPackedGrants(): PackedGrants {
  const packed = createPackedMultimap();
  const atHand = createBoundedLru<Map<Place, Grant>>({ maxEntries: AT_HAND.callers, maxBytes: AT_HAND.grants });
  const at = (place: Place) => unpack(packed.at(place));

  function unpacked(caller: Acting, key: string): Map<Place, Grant> {
    const grants = new Map<Place, Grant>();
    for (const [place, record] of packed.get(key)) {
      const grant = unpack(record);
      if (sameCaller(grant, caller)) grants.set(place, grant);
    }
    return grants;
  }

  /** Grants count where a cache counts bytes. */
  const keep = (key: string, grants: Map<Place, Grant>) => atHand.set(key, grants, grants.size);

  return {
    add(grant) {
      const key = callerKey(grant);
      const place = packed.add(key, pack(grant));
      const known = atHand.get(key);
      if (known !== undefined) keep(key, known.set(place, grant));
      return place;
    },
    remove(place) {
      const key = callerKey(at(place));
      packed.remove(place);
      const known = atHand.get(key);
      if (known?.delete(place) === true) keep(key, known);
    },
    at,
    of(caller) {
      const key = callerKey(caller);
      const known = atHand.get(key);
      if (known !== undefined) return [...known.values()];
      const grants = unpacked(caller, key);
      // Whoever has none is not looked up for long, and there may be very many.
      if (grants.size > 0) keep(key, grants);
      return [...grants.values()];
    },
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
