/**
 * The decision service's reader of the state topic over its views of grants, incidents and profiles, a consumer by each of these kinds. Sets
 * nothing aside: it counts and holds nothing.
 */
import { randomUUID } from "node:crypto";
import type { Grant } from "../../../core/domain/grant.ts";
import { id } from "../../../core/domain/id.ts";
import type { Incident } from "../../../core/domain/incident.ts";
import type { Profile } from "../../../core/domain/profile.ts";
import { createStateView } from "../../../core/domain/state-view.ts";
import { instant } from "../../../core/domain/time.ts";
import { ENVELOPE_HEADERS } from "../../../core/messages/envelope.ts";
import { incidentKey, incidentToWire } from "../../../core/messages/incident-record.ts";
import { profileId, profileKey, profileToWire } from "../../../core/messages/profile-record.ts";
import { setHashOf, stateRecordHash } from "../../../core/messages/record-keys.ts";
import type { Verifier } from "../../../core/messages/signing.ts";
import { grantKey, grantToWire, HEARTBEAT_KEY, heartbeatToWire } from "../../../core/messages/state-record.ts";
import { TOPICS } from "../../../core/messages/topics.ts";
import { createLog } from "../../../platform/log/log.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { createGrantsView } from "../../../services/decision/grants/grants-view.ts";
import { createStateReader } from "../../../services/decision/grants/state-reader.ts";
import { createProfileView } from "../../../services/decision/profiles/profile-view.ts";
import { type Consumer, DEPLOYMENT, type Good } from "./consumer.ts";

const log = createLog({ name: "test", level: "silent" });
const topic = TOPICS.state.name;
const UNREFUSED = new Set(["applied", "older", "heartbeat"]);

type StateConsumers = AsyncDisposable & {
  /** Each of its kind alone; effects and refusals are counted together, and the first one reads for all. */
  readonly kinds: readonly [grants: Consumer, incidents: Consumer, profiles: Consumer];
  /** A heartbeat of now that says what the view has to hold, if all good records of `next` were taken. */
  heartbeat(): Good;
  readonly isFresh: () => boolean;
};

/** Effect: a key begins to stand at a version. Each key is a grant, an incident or a profile that goes on changing. */
export function stateConsumers(verifier: Verifier): StateConsumers {
  const stop = new AbortController();
  const metrics = createMetrics({ prefix: "t_" });
  const view = createGrantsView();
  /** By key and version. */
  const effects = new Map<string, number>();
  /** The version at which a key of the grants view stands, readable or not. Set again, nothing changes: nothing about it can differ. */
  const standing = new Map<string, number>();
  const expected = createStateView<undefined>(stateRecordHash);
  const grants = new Map<number, Grant>();
  const incidents = new Map<number, Incident>();
  const profiles = new Map<number, Profile>();
  const profileView = createProfileView({ verifier }, { deployment: DEPLOYMENT, maxSubjects: 100 });
  const tookEffect = (name: string) => effects.set(name, (effects.get(name) ?? 0) + 1);
  const readClocks = () => ({ wall: instant(Date.now()), monoMs: performance.now() });
  const watched: typeof view = {
    ...view,
    get size() {
      return view.size;
    },
    apply(record) {
      const outcome = view.apply(record);
      if (outcome === "older" || standing.get(record.key) === record.version) return outcome;
      standing.set(record.key, record.version);
      if (record.value !== undefined) tookEffect(`${record.key}@${record.version}`);
      return outcome;
    },
    tombstone(key) {
      standing.delete(key);
      return view.tombstone(key);
    },
  };

  const watchedProfiles: Pick<typeof profileView, "take"> = {
    take(key, record, count) {
      profileView.take(key, record, (outcome) => {
        if (outcome === "applied") tookEffect(`${key}@${String(record.headers.get(ENVELOPE_HEADERS.version))}`);
        count(outcome);
      });
    },
  };

  async function outcomes(): Promise<ReadonlyMap<string, number>> {
    const { text } = await metrics.expose();
    const lines = text.matchAll(/^t_state_records_total\{outcome="([a-z_]+)"\} (\d+)$/gm);
    return new Map([...lines].map(([, outcome = "", value]) => [outcome, Number(value)]));
  }

  const good = (key: string, version: number, payload: object): Good => ({
    ...{ topic, key, version, payload },
    effects: async () => effects.get(`${key}@${version}`) ?? 0,
  });

  /** Of those that a heartbeat vouches for. */
  function vouched(key: string, version: number, payload: object): Good {
    expected.apply({ key, version, value: undefined });
    return good(key, version, payload);
  }

  function nextGrant(key: number): Good {
    const before = grants.get(key) ?? newGrant();
    const grant: Grant = {
      ...{ ...before, version: before.version + 1 },
      state: before.state === "active" ? "scheduled" : "active",
    };
    grants.set(key, grant);
    return vouched(grantKey(grant.id), grant.version, grantToWire(grant));
  }

  function nextIncident(key: number): Good {
    const before = incidents.get(key) ?? newIncident();
    const incident: Incident = {
      ...{ ...before, version: before.version + 1 },
      state: before.state === "open" ? "closed" : "open",
    };
    incidents.set(key, incident);
    return vouched(incidentKey(incident.id), incident.version, incidentToWire(incident));
  }

  function nextProfile(key: number): Good {
    const before = profiles.get(key) ?? newProfile();
    const profile: Profile = { ...before, asOf: instant(before.asOf + 1) };
    profiles.set(key, profile);
    return good(profileKey(profileId(profile)), profile.asOf, profileToWire(profile));
  }

  const counted = {
    effects: async () => [...effects.values()].reduce((sum, one) => sum + one, 0),
    async refused(reason?: string) {
      const all = await outcomes();
      if (reason !== undefined) return all.get(reason) ?? 0;
      return [...all].reduce((sum, [outcome, value]) => sum + (UNREFUSED.has(outcome) ? 0 : value), 0);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
    },
  };
  const readByTheFirst = { topics: [], start() {} };

  return {
    kinds: [
      {
        ...{ ...counted, name: "grants", topics: [{ topic, partitions: 1 }], next: nextGrant },
        start(stream) {
          const reader = createStateReader(
            { stream, verifier, view: watched, profiles: watchedProfiles, readClocks, log, metrics },
            { deployment: DEPLOYMENT, readyWithinMs: 10_000 },
          );
          reader.start(stop.signal);
        },
      },
      { ...counted, ...readByTheFirst, name: "incidents", next: nextIncident },
      { ...counted, ...readByTheFirst, name: "profiles", next: nextProfile },
    ],
    heartbeat: () => ({
      ...{ topic, key: HEARTBEAT_KEY, version: 0 },
      payload: heartbeatToWire({ databaseTime: instant(Date.now()), setHash: setHashOf(expected.sum()) }),
      effects: async () => 1,
    }),
    isFresh: () => view.freshness(readClocks()).kind === "fresh",
    [Symbol.asyncDispose]: counted[Symbol.asyncDispose],
  };
}

function newGrant(): Grant {
  const now = Date.now();
  return {
    id: id("grant", randomUUID()),
    version: 0,
    requestId: id("request", randomUUID()),
    denialId: id("denial", randomUUID()),
    ...{ person: undefined, issuer: "https://issuer.example", subject: "dana", actors: [] },
    ...{ entitlement: "e", scope: "s" },
    ...{ binding: { kind: "scope" }, state: "scheduled", uses: 0, maxUses: 5 },
    notBefore: instant(now - 1_000),
    expiresAt: instant(now + 600_000),
  };
}

function newIncident(): Incident {
  return {
    ...{ id: id("incident", randomUUID()), version: 0, state: "closed", severity: "high", scope: "orders" },
    openedAt: instant(Date.now()),
  };
}

function newProfile(): Profile {
  const now = instant(Date.now());
  return {
    ...{ issuer: "https://issuer.example", subject: randomUUID(), days: 1, since: now, asOf: now },
    ...{ hours: [{ hour: 9, days: 1, last: now }], networks: [], countries: [] },
  };
}
