/**
 * The grants and incidents that this process knows, and whether it may trust that knowledge now. Holds the state view, the grants by caller, the
 * open incidents and the heartbeats, and answers which grants cover a call. It reads no clock: clocks come with each question.
 */
import { type Acting, sameCaller } from "../../../core/domain/actor-chain.ts";
import type { HttpRequest } from "../../../core/domain/binding.ts";
import { layOutBinding } from "../../../core/domain/binding.ts";
import { covering } from "../../../core/domain/covers.ts";
import {
  type Clocks,
  type Freshness,
  freshness,
  type Heartbeat,
  type Heartbeats,
  NO_HEARTBEATS,
  receiveHeartbeat,
} from "../../../core/domain/freshness.ts";
import { isFinal } from "../../../core/domain/grant.ts";
import type { Digest } from "../../../core/domain/id.ts";
import type { Json, Subject } from "../../../core/domain/subject.ts";
import { createStateView } from "../../../core/domain/state-view.ts";
import { bindingDigest } from "../../../core/messages/binding-digest.ts";
import { setHashOf, stateRecordHash } from "../../../core/messages/record-keys.ts";
import { grantKey } from "../../../core/messages/state-record.ts";
import type { StateValue } from "../../../core/messages/state-value.ts";
import type { Place } from "../../../platform/packed/packed-multimap.ts";
import type { GrantLookup } from "../authzen/ports.ts";
import type { GrantQuery, Grants, Match } from "../ports.ts";
import { createOpenIncidents } from "./open-incidents.ts";
import { createPackedGrants } from "./packed-grants.ts";

export type GrantsView = Grants &
  GrantLookup & {
    /** A record with a valid signature; `value` is undefined if its payload cannot be read. */
    apply(record: {
      readonly key: string;
      readonly version: number;
      readonly value: StateValue | undefined;
    }): "applied" | "older";
    /** A null, signed or not: closes what the key opened. NB: an incident stays open until a heartbeat confirms that it is gone. */
    tombstone(key: string): "applied" | "older";
    heartbeat(heartbeat: Heartbeat, clocks: Clocks): void;
    freshness(clocks: Clocks): Freshness;
    /**
     * Open ones as policies get them. Undefined until a heartbeat has confirmed the set once: none known is not the same as none open. Later
     * the last value is kept; `freshness` says what it is worth.
     */
    incidents(): readonly Json[] | undefined;
    skew(): Heartbeats["skew"];
    /** Keys that are not tombstoned. */
    readonly size: number;
  };

export function createGrantsView(): GrantsView {
  const grants = createPackedGrants();
  const view = createStateView<Place>(stateRecordHash);
  const incidents = createOpenIncidents();
  let heartbeats = NO_HEARTBEATS;
  let isKnown = false;

  return {
    apply({ key, version, value }) {
      const place = value?.kind === "grant" ? grants.add(value.grant) : undefined;
      const applied = view.apply({ key, version, value: place });
      const gone = applied.kind === "older" ? place : applied.before;
      if (gone !== undefined) grants.remove(gone);
      if (applied.kind === "older") return "older";
      // NB: one that cannot be read closes no incident: what could be read last stands.
      if (value?.kind === "incident") incidents.set(key, value.incident);
      incidents.signed(key);
      return "applied";
    },
    tombstone(key) {
      const applied = view.tombstone(key);
      if (applied.kind === "older") return "older";
      if (applied.before !== undefined) grants.remove(applied.before);
      incidents.nulled(key);
      return "applied";
    },
    heartbeat(heartbeat, clocks) {
      const before = heartbeats;
      heartbeats = receiveHeartbeat(before, heartbeat, clocks, setHashOf(view.sum()));
      if (heartbeats === before || heartbeats.latest?.setEqual !== true) return;
      isKnown = true;
      // NB: one that was received before confirms nothing, though it is the latest: it may be from before an incident was opened.
      if (before.latest === undefined || heartbeat.databaseTime > before.latest.databaseTime) incidents.confirm();
    },
    freshness: (clocks) => freshness(heartbeats, clocks),
    incidents: () => (isKnown ? incidents.list() : undefined),
    skew: () => heartbeats.skew,
    get size() {
      return view.size;
    },

    standing(caller, grantId) {
      const place = view.get(grantKey(grantId));
      const grant = place === undefined ? undefined : grants.at(place);
      if (grant === undefined || !sameCaller(grant, acting(caller))) return "unknown";
      if (isFinal(grant.state)) return "ended";
      // NB: by the database's time as it is known here, as `covering` judges a beginning, and not by the wall clock, which is ahead of it.
      const begun = heartbeats.latest !== undefined && heartbeats.latest.databaseTime >= grant.notBefore;
      return begun ? "known" : "not_yet";
    },

    covering({ subject, elevations, http }: GrantQuery, clocks): Match {
      const at = freshness(heartbeats, clocks);
      if (at.kind === "stale") return at;
      const account = acting(subject);
      const digestOf = digests(subject.issuer, subject.id, http);
      return covering({ account, elevations, grants: grants.of(account), at, digestOf });
    },
  };
}

function acting({ issuer, id, actors }: Pick<Subject, "issuer" | "id" | "actors">): Acting {
  return { issuer, subject: id, actors };
}

/** Digests of one request under different bound headers; each is computed once, and only when a grant needs it. */
function digests(issuer: string, subject: string, http: HttpRequest | undefined) {
  const known = new Map<string, Digest | undefined>();
  return (bindHeaders: readonly string[]): Digest | undefined => {
    const key = bindHeaders.join(",");
    if (known.has(key)) return known.get(key);
    // What was approved was reviewable then; now only equality counts.
    const layout = layOutBinding({ issuer, subject, http, bindHeaders, hasDisplay: true });
    const digest = layout.kind === "bindable" ? bindingDigest(layout.fields) : undefined;
    known.set(key, digest);
    return digest;
  };
}
