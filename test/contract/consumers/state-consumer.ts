/** The decision service's reader of the state topic over its view of grants. Sets nothing aside: it counts and holds nothing. */
import { randomUUID } from "node:crypto";
import { type Grant, type GrantState } from "../../../core/domain/grant.ts";
import { id } from "../../../core/domain/id.ts";
import { createStateView } from "../../../core/domain/state-view.ts";
import { instant } from "../../../core/domain/time.ts";
import { stateRecordHash } from "../../../core/messages/record-keys.ts";
import type { Verifier } from "../../../core/messages/signing.ts";
import { grantKey, grantToWire, HEARTBEAT_KEY, heartbeatToWire } from "../../../core/messages/state-record.ts";
import { TOPICS } from "../../../core/messages/topics.ts";
import { createLog } from "../../../platform/log/log.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { createGrantsView } from "../../../services/decision/grants/grants-view.ts";
import { createStateReader } from "../../../services/decision/grants/state-reader.ts";
import { type Consumer, DEPLOYMENT, type Good } from "./consumer.ts";

const log = createLog({ name: "test", level: "silent" });
const topic = TOPICS.state.name;
const UNREFUSED = new Set(["applied", "older", "heartbeat"]);

/** Effect: a grant that the view holds at a version. Each key is a grant that goes on changing. */
export function stateConsumer(verifier: Verifier): Consumer & {
  /** A heartbeat of now that says what the view has to hold, if all good records of `next` were taken. */
  heartbeat(): Good;
  readonly isFresh: () => boolean;
} {
  const stop = new AbortController();
  const metrics = createMetrics({ prefix: "t_" });
  const view = createGrantsView();
  /** A version that comes again is set again, which is no second effect: nothing about it can differ. */
  const held = new Set<string>();
  const expected = createStateView<undefined>();
  const grants = new Map<number, Grant>();
  const readClocks = () => ({ wall: instant(Date.now()), monoMs: performance.now() });
  const watched: typeof view = {
    ...view,
    get size() {
      return view.size;
    },
    apply(record) {
      const outcome = view.apply(record);
      if (outcome === "applied" && record.value !== undefined) held.add(`${record.key}@${record.version}`);
      return outcome;
    },
  };

  async function outcomes(): Promise<ReadonlyMap<string, number>> {
    const { text } = await metrics.expose();
    const lines = text.matchAll(/^t_state_records_total\{outcome="([a-z_]+)"\} (\d+)$/gm);
    return new Map([...lines].map(([, outcome = "", value]) => [outcome, Number(value)]));
  }

  return {
    ...{ name: "state", topics: [{ topic, partitions: 1 }] },
    start(stream) {
      const reader = createStateReader(
        { stream, verifier, view: watched, readClocks, log, metrics },
        { deployment: DEPLOYMENT, readyWithinMs: 10_000 },
      );
      reader.start(stop.signal);
    },
    next(key): Good {
      const before = grants.get(key);
      const grant: Grant = {
        ...(before ?? newGrant()),
        version: (before?.version ?? 0) + 1,
        state: before === undefined ? "active" : other(before.state),
      };
      grants.set(key, grant);
      const wire = grantKey(grant.id);
      const { version } = grant;
      expected.apply({ key: wire, version, recordHash: stateRecordHash(wire, version), value: undefined });
      return {
        ...{ topic, key: wire, version, payload: grantToWire(grant) },
        isTaken: async () => held.has(`${wire}@${version}`),
      };
    },
    heartbeat: () => ({
      ...{ topic, key: HEARTBEAT_KEY, version: 0 },
      payload: heartbeatToWire({ databaseTime: instant(Date.now()), setHash: expected.setHash() }),
      isTaken: async () => true,
    }),
    isFresh: () => view.freshness(readClocks()).kind === "fresh",
    effects: async () => held.size,
    async refused(reason) {
      const counted = await outcomes();
      if (reason !== undefined) return counted.get(reason) ?? 0;
      return [...counted].reduce((sum, [outcome, value]) => sum + (UNREFUSED.has(outcome) ? 0 : value), 0);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
    },
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
    ...{ binding: { kind: "scope" }, state: "active", uses: 0, maxUses: 5 },
    notBefore: instant(now - 1_000),
    expiresAt: instant(now + 600_000),
  };
}

function other(state: GrantState): GrantState {
  return state === "active" ? "scheduled" : "active";
}
